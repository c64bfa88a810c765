/** Flush policies that invalidate at once and wait. */
package org.iommu4j.flush.policy;
