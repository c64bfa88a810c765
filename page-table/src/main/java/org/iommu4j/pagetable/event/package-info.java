/** What a flight recording shows of page tables; docs/observability.md has the events. */
package org.iommu4j.pagetable.event;
