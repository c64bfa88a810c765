/**
 * A RISC-V IOMMU in software, with devices that do DMA through it: a second reading of the
 * specification, which shares nothing with the backend. It keeps what it read until it is told to
 * forget.
 */
package com.example.riscv.unit;
