package org.iommu4j.emulator;

/**
 * The ways in which a unit sees tables. They are two where it snoops the processor's cache for some
 * tables only (ECAP.C, ECAP.SMPWC). Any thread may call any method.
 *
 * @param plain how it sees them if it does not snoop
 * @param snooped how it sees them if it does
 * @param structures how it sees root, context and PASID tables
 */
record TableViews(WalkMemory plain, WalkMemory snooped, WalkMemory structures) {

    /** {@return how page tables are seen by walks that snoop, or do not} */
    WalkMemory pages(boolean snoops) {
        return snoops ? snooped : plain;
    }

    /** {@return true if software's stores reach walks late that snoop, or do not} */
    boolean lags(boolean snoops) {
        return pages(snoops) instanceof Lag;
    }

    /** Flushes software's write buffers. */
    void flushWriteBuffers() {
        plain.flushWriteBuffers();
    }
}
