/** A machine that is a QEMU process. */
package org.iommu4j.qemu;
