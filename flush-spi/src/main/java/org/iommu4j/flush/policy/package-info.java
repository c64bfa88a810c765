/** Flush policies: at once, and later for many gathers together. */
package org.iommu4j.flush.policy;
