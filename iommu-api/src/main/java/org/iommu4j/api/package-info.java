/** Units, domains, mappings, gathers and faults. */
package org.iommu4j.api;
