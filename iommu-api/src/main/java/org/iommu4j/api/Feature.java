package org.iommu4j.api;

/**
 * What a unit, its backend, or a page-table format may be able to do. A refusal names one of these.
 */
public enum Feature {
    /** Devices can be attached to domains. */
    ATTACH,
    /** Devices can be attached to domains by process address space id. */
    PASID,
    /** Domains may use first-stage tables. */
    FIRST_STAGE,
    /** Domains may use second-stage tables. */
    SECOND_STAGE,
    /** Domains may let devices reach all memory, without tables. */
    PASS_THROUGH,
    /** The unit translates addresses as wide as the domain's. */
    ADDRESS_WIDTH,
    /** The unit has the domain's page sizes. */
    PAGE_SIZES,
    /** The unit snoops the processor's cache when it walks tables. */
    COHERENT_WALKS,
    /** The page size of a live mapping may be changed without a moment in which it faults. */
    HITLESS_SPLIT,
    /** Small leaves can be merged into large ones. */
    COALESCE,
    /** Accessed and dirty bits are kept, and can be read and cleared. */
    DIRTY_TRACKING,
    /** The faults a unit records are delivered. */
    FAULT_REPORTING,
    /** Devices can ask for missing pages and wait. */
    PAGE_REQUESTS,
    /** A mapping can forbid both reading and writing. */
    NO_ACCESS,
    /** A mapping can be readable and not writable. */
    READ_ONLY,
    /** A mapping can be writable and not readable. */
    WRITE_ONLY,
    /** A mapping can forbid instruction fetches. */
    EXECUTE_DISABLE,
    /** A mapping can force snooping. */
    SNOOP_CONTROL,
    /** A mapping can set its memory type. */
    MEMORY_TYPES,
    /** A mapping can carry bits that mean something only to software. */
    SOFTWARE_BITS
}
