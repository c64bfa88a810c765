/** Cache flushers: none, by lines, and by pages. */
package org.iommu4j.flush.cache;
