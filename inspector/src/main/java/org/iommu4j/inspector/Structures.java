package org.iommu4j.inspector;

/** Where things stand in the root, context and PASID structures, and which bits must be zero. */
final class Structures {
    static final long PRESENT = 1;
    static final long ADDRESS = -4096L;
    static final int ROOT_ENTRY = 16;
    static final int LEGACY_CONTEXT = 16;
    static final int SCALABLE_CONTEXT = 32;
    static final int PASID_ENTRY = 64;
    static final int PASIDS_A_TABLE = 64;
    static final int PASID_BITS = 20;

    static final long ROOT_RESERVED = 0xffe;
    static final long LEGACY_RESERVED_LOW = 0xff0;
    static final long LEGACY_RESERVED_HIGH = 0xffff_ffff_ff00_0080L;
    static final long SCALABLE_RESERVED_LOW = 0x1e0;
    static final long SCALABLE_RESERVED_SECOND = 0xffff_ffff_ffe0_0000L;
    static final long DIRECTORY_RESERVED = 0xffc;

    private Structures() {}

    /** How many PASIDs the directory of a scalable context entry reaches. */
    static int pasids(long contextLow) {
        int directoryEntries = 1 << (contextLow >>> 9 & 7) + 7;
        return Math.min(directoryEntries * PASIDS_A_TABLE, 1 << PASID_BITS);
    }

    /** The PASID that requests without one have. */
    static int requestPasid(long contextSecond) {
        return (int) (contextSecond & (1 << PASID_BITS) - 1);
    }
}
