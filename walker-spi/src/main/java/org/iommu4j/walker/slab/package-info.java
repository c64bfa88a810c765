/** The allocator of table pages that is used when nobody chooses one. */
package org.iommu4j.walker.slab;
