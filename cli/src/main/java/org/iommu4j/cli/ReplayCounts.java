package org.iommu4j.cli;

/** What a replay counts while it runs. Bytes are the kernel's figures unless it says otherwise. */
final class ReplayCounts {
    /** Map events that could be read, failed ones among them. */
    long map;

    /** Unmap events that could be read, failed ones among them. */
    long unmap;

    /** Maps that were replayed. */
    long mapsDone;

    /** Unmaps that were replayed. */
    long unmapsDone;

    /** Maps of nothing and unmaps that removed nothing, as the kernel logs what failed. */
    long failed;

    /** Flushes that name a domain. */
    long flushes;

    /** Maps and unmaps of addresses that the domains under test are not wide enough for. */
    long refused;

    /** Unmaps of something never seen mapped. */
    long unknownUnmaps;

    /** Events at odds with what was believed before, which then was put right. */
    long contradictions;

    long bytesMapped;
    long bytesUnmapped;

    /**
     * Bytes that the kernel removed beyond what it was asked for, and the tables under test kept.
     */
    long overUnmapAvoidedBytes;

    /** Unmaps that the tables under test refused because they end inside a leaf. */
    long rejectedUnmaps;

    /**
     * Bytes that the tables under test lost or had to give up beside an unmap, and were mapped
     * again.
     */
    long bytesRemapped;

    /** Maps of a range whose last unmap was not complete, and had to be completed first. */
    long reuseWaits;

    final Violations violations = new Violations();
}
