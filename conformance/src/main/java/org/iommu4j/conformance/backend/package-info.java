/** The numbered rules as contracts of backends, and what runs them. */
package org.iommu4j.conformance.backend;
