/** A VM whose devices do DMA: its memory, what stands in it, and the machine it is on. */
package org.iommu4j.cli.vm;
