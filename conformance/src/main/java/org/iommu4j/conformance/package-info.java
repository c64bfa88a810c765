/** Contracts, what a run of one shows, and the models that implementations are run against. */
package org.iommu4j.conformance;
