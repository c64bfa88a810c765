/** Memory, registers and devices, as an IOMMU driver sees them. */
package org.iommu4j.machine;
