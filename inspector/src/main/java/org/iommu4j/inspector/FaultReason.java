package org.iommu4j.inspector;

/**
 * Why the hardware refuses a request: the code that a fault record holds, in words (VT-d, Fault
 * Conditions).
 *
 * @param code the code
 * @param words what it means
 */
public record FaultReason(int code, String words) {

    static final FaultReason ROOT_NOT_PRESENT = new FaultReason(0x1, "root entry not present");
    static final FaultReason CONTEXT_NOT_PRESENT =
            new FaultReason(0x2, "context entry not present");
    static final FaultReason CONTEXT_INVALID = new FaultReason(0x3, "context entry invalid");
    static final FaultReason BEYOND_WIDTH =
            new FaultReason(0x4, "address beyond the width of the domain");
    static final FaultReason NO_WRITE = new FaultReason(0x5, "no write permission");
    static final FaultReason NO_READ = new FaultReason(0x6, "no read permission");
    static final FaultReason TABLE_ACCESS = new FaultReason(0x7, "a page table cannot be accessed");
    static final FaultReason ROOT_ACCESS =
            new FaultReason(0x8, "the root table cannot be accessed");
    static final FaultReason CONTEXT_ACCESS =
            new FaultReason(0x9, "the context table cannot be accessed");
    static final FaultReason ROOT_RESERVED =
            new FaultReason(0xa, "reserved bits set in the root entry");
    static final FaultReason CONTEXT_RESERVED =
            new FaultReason(0xb, "reserved bits set in the context entry");
    static final FaultReason RESERVED =
            new FaultReason(0xc, "reserved bits set in a page-table entry");
    static final FaultReason INTERRUPT_RANGE =
            new FaultReason(0xe, "the output address is in the interrupt range");

    static final FaultReason SM_ROOT_ACCESS =
            new FaultReason(0x38, "the root table cannot be accessed");
    static final FaultReason SM_ROOT_NOT_PRESENT = new FaultReason(0x39, "root entry not present");
    static final FaultReason SM_ROOT_RESERVED =
            new FaultReason(0x3a, "reserved bits set in the root entry");
    static final FaultReason SM_CONTEXT_ACCESS =
            new FaultReason(0x40, "the context table cannot be accessed");
    static final FaultReason SM_CONTEXT_NOT_PRESENT =
            new FaultReason(0x41, "context entry not present");
    static final FaultReason SM_CONTEXT_RESERVED =
            new FaultReason(0x42, "reserved bits set in the context entry");
    static final FaultReason SM_CONTEXT_INVALID = new FaultReason(0x43, "context entry invalid");
    static final FaultReason PASID_TOO_LARGE =
            new FaultReason(0x46, "the PASID is beyond the PASID directory");
    static final FaultReason DIRECTORY_ACCESS =
            new FaultReason(0x50, "the PASID directory cannot be accessed");
    static final FaultReason DIRECTORY_NOT_PRESENT =
            new FaultReason(0x51, "PASID directory entry not present");
    static final FaultReason DIRECTORY_RESERVED =
            new FaultReason(0x52, "reserved bits set in the PASID directory entry");
    static final FaultReason PASID_ACCESS =
            new FaultReason(0x58, "the PASID table cannot be accessed");
    static final FaultReason PASID_NOT_PRESENT = new FaultReason(0x59, "PASID entry not present");
    static final FaultReason PASID_RESERVED =
            new FaultReason(0x5a, "reserved bits set in the PASID entry");
    static final FaultReason PASID_INVALID = new FaultReason(0x5b, "PASID entry invalid");

    static final FaultReason FIRST_ACCESS =
            new FaultReason(0x70, "a first-stage table cannot be accessed");
    static final FaultReason FIRST_NOT_PRESENT =
            new FaultReason(0x71, "first-stage entry not present");
    static final FaultReason FIRST_RESERVED =
            new FaultReason(0x72, "reserved bits set in a first-stage entry");
    static final FaultReason FIRST_ROOT =
            new FaultReason(0x73, "the root of the first-stage tables cannot be accessed");
    static final FaultReason SECOND_ACCESS =
            new FaultReason(0x78, "a second-stage table cannot be accessed");
    static final FaultReason SECOND_PERMISSION =
            new FaultReason(0x79, "no such permission in a second-stage entry");
    static final FaultReason SECOND_RESERVED =
            new FaultReason(0x7a, "reserved bits set in a second-stage entry");
    static final FaultReason SECOND_ROOT =
            new FaultReason(0x7b, "the root of the second-stage tables cannot be accessed");
    static final FaultReason FIRST_NOT_CANONICAL =
            new FaultReason(0x80, "the address is not canonical");
    static final FaultReason FIRST_USER =
            new FaultReason(0x81, "a user request of an entry for supervisors");
    static final FaultReason SM_BEYOND_WIDTH =
            new FaultReason(0x84, "address beyond the width of the domain");
    static final FaultReason SM_NO_WRITE = new FaultReason(0x85, "no write permission");
    static final FaultReason SM_INTERRUPT_RANGE =
            new FaultReason(0x87, "the output address is in the interrupt range");

    static FaultReason secondReserved(Mode mode) {
        return mode == Mode.LEGACY ? RESERVED : SECOND_RESERVED;
    }

    static FaultReason interruptRange(Mode mode) {
        return mode == Mode.LEGACY ? INTERRUPT_RANGE : SM_INTERRUPT_RANGE;
    }

    @Override
    public String toString() {
        return "fault reason " + Hex.of(code) + ", " + words;
    }
}
