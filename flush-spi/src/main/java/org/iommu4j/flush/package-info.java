/** Invalidators, flush policies and cache flushers. */
package org.iommu4j.flush;
