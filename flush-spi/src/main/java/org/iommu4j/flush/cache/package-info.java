/** Cache flushers: none, and by lines. */
package org.iommu4j.flush.cache;
