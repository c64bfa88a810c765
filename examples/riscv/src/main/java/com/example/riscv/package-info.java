/**
 * A backend for the RISC-V IOMMU, as somebody writes it who has only the published modules.
 * docs/writing-a-backend.md walks through it.
 */
package com.example.riscv;
