/** Allocators that take their pages from another one: quota and reserve. */
package org.iommu4j.walker.limit;
