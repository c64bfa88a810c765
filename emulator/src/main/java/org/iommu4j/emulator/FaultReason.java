package org.iommu4j.emulator;

/** The reason codes that fault records carry (VT-d, Fault Reason Encodings). */
final class FaultReason {

    /** No fault. */
    static final int NONE = 0;

    /* Legacy mode. */
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

    /* Scalable mode: the root-table address register. */
    static final int ROOT_TABLE_ADDRESS = 0x30;
    static final int PASID_IN_LEGACY_MODE = 0x31;
    static final int PAGE_REQUEST_IN_LEGACY_MODE = 0x32;

    /* Root and context entries. */
    static final int SCALABLE_ROOT_ACCESS = 0x38;
    static final int SCALABLE_ROOT_NOT_PRESENT = 0x39;
    static final int SCALABLE_ROOT_RESERVED = 0x3a;
    static final int SCALABLE_CONTEXT_ACCESS = 0x40;
    static final int SCALABLE_CONTEXT_NOT_PRESENT = 0x41;
    static final int SCALABLE_CONTEXT_RESERVED = 0x42;
    static final int SCALABLE_CONTEXT_INVALID = 0x43;
    static final int DEVICE_TLB_OFF = 0x44;
    static final int PASIDS_OFF = 0x45;
    static final int PASID_TOO_LARGE = 0x46;
    static final int PAGE_REQUESTS_OFF = 0x47;
    static final int RID_PASID_TOO_LARGE = 0x48;

    /* PASID directory and PASID table. */
    static final int DIRECTORY_ACCESS = 0x50;
    static final int DIRECTORY_NOT_PRESENT = 0x51;
    static final int DIRECTORY_RESERVED = 0x52;
    static final int PASID_ACCESS = 0x58;
    static final int PASID_NOT_PRESENT = 0x59;
    static final int PASID_RESERVED = 0x5a;
    static final int PASID_INVALID = 0x5b;
    static final int EXECUTE_REQUESTS_OFF = 0x5c;
    static final int SUPERVISOR_REQUESTS_OFF = 0x5d;

    /* Page tables. */
    static final int FIRST_STAGE_ACCESS = 0x70;
    static final int FIRST_STAGE_NOT_PRESENT = 0x71;
    static final int FIRST_STAGE_RESERVED = 0x72;
    static final int FIRST_STAGE_POINTER = 0x73;
    static final int SECOND_STAGE_ACCESS = 0x78;
    static final int SECOND_STAGE_NOT_PRESENT = 0x79;
    static final int SECOND_STAGE_RESERVED = 0x7a;
    static final int SECOND_STAGE_POINTER = 0x7b;
    static final int SECOND_STAGE_NOT_UPDATED = 0x7c;
    static final int FIRST_STAGE_NOT_UPDATED = 0x90;

    /* The request itself. */
    static final int NOT_CANONICAL = 0x80;
    static final int NOT_FOR_USERS = 0x81;
    static final int NO_EXECUTE = 0x82;
    static final int BEYOND_UNIT_WIDTH = 0x83;
    static final int BEYOND_TABLE_WIDTH = 0x84;
    static final int SCALABLE_NO_WRITE = 0x85;
    static final int SCALABLE_NO_READ = 0x86;
    static final int SCALABLE_INTERRUPT_RANGE = 0x87;

    private FaultReason() {}
}
