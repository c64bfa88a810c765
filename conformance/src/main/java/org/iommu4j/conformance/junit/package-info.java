/** Contracts as tests of JUnit 5. */
package org.iommu4j.conformance.junit;
