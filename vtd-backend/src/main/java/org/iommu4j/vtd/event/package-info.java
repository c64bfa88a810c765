/** What a flight recording shows of VT-d units; docs/observability.md has the events. */
package org.iommu4j.vtd.event;
