/** Page-table formats and allocators of table pages. */
package org.iommu4j.walker;
