package org.iommu4j.api;

/** Which kind of tables a domain uses. */
public enum Stage {
    /** First-stage tables, of the processor's format. */
    FIRST,
    /** Second-stage tables, of the unit's own format. */
    SECOND
}
