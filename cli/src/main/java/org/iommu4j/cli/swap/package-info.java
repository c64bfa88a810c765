/** The founding scenario: a VM's memory is swapped page by page while its devices do DMA. */
package org.iommu4j.cli.swap;
