/** A VT-d machine in software. */
package org.iommu4j.emulator;
