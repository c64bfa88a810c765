package org.iommu4j.emulator;

/** The reason codes of legacy mode, as fault records carry them (VT-d, Fault Reason Encodings). */
final class FaultReason {

    /** No fault. */
    static final int NONE = 0;

    static final int ROOT_NOT_PRESENT = 1;
    static final int CONTEXT_NOT_PRESENT = 2;
    static final int CONTEXT_INVALID = 3;
    static final int BEYOND_WIDTH = 4;
    static final int NO_WRITE = 5;
    static final int NO_READ = 6;
    static final int TABLE_ACCESS = 7;
    static final int ROOT_ACCESS = 8;
    static final int CONTEXT_ACCESS = 9;
    static final int ROOT_RESERVED = 0xa;
    static final int CONTEXT_RESERVED = 0xb;
    static final int TABLE_RESERVED = 0xc;
    static final int TRANSLATION_TYPE = 0xd;
    static final int INTERRUPT_RANGE = 0xe;

    private FaultReason() {}
}
