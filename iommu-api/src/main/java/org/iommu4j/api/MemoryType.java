package org.iommu4j.api;

/**
 * How the processor's cache treats memory that a device reaches; the values an x86 platform knows.
 */
public enum MemoryType {
    /** Whatever the platform does by itself. */
    DEFAULT,
    /** Not cached. */
    UNCACHEABLE,
    /** Writes are collected, nothing is cached. */
    WRITE_COMBINING,
    /** Cached, writes go through to memory. */
    WRITE_THROUGH,
    /** Cached for reading, writes are not. */
    WRITE_PROTECTED,
    /** Cached. */
    WRITE_BACK
}
