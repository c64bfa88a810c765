package org.iommu4j.api;

/** Which kind of tables a domain uses. */
public enum Stage {
    /** First-stage tables, of the processor's format. */
    FIRST,
    /** Second-stage tables, of the unit's own format. */
    SECOND,
    /**
     * No tables: an I/O virtual address is the physical address, and a device reaches all memory.
     * Nothing can be mapped or unmapped.
     */
    PASS_THROUGH
}
