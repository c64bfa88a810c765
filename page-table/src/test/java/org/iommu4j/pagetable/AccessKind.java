package org.iommu4j.pagetable;

/** What a step of a thread accesses. */
enum AccessKind {
    NOTHING,
    WORD,
    GUARD,
    OTHER
}
