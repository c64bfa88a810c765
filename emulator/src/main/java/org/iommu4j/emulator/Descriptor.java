package org.iommu4j.emulator;

/**
 * One descriptor of the invalidation queue, 128 bits, or 256 of which the upper half is reserved
 * (VT-d, Queued Invalidation Interface). A queue has one, and reads them all into it.
 */
final class Descriptor {

    static final int CONTEXT_CACHE = 1;
    static final int IOTLB = 2;
    static final int DEVICE_TLB = 3;
    static final int INTERRUPT_ENTRIES = 4;
    static final int WAIT = 5;
    static final int PASID_IOTLB = 6;
    static final int PASID_CACHE = 7;
    static final int PASID_DEVICE_TLB = 8;
    static final int PAGE_RESPONSE = 9;

    /* Granularities. */
    static final int GLOBAL = 1;
    static final int DOMAIN = 2;
    static final int SELECTIVE = 3;

    /* Granularities of the PASID cache; 0 is a domain. */
    static final int ONE_PASID = 1;
    static final int ALL_PASIDS = 3;

    private static final long TYPE_BITS = 0xe0f;

    private long low;
    private long high;
    private long rest;

    /** Makes a descriptor of zeroes, which is of no type. */
    Descriptor() {}

    /**
     * Makes a descriptor of its words.
     *
     * @param low its first word
     * @param high its second word
     * @param rest what is set in the upper half
     */
    Descriptor(long low, long high, long rest) {
        this.low = low;
        this.high = high;
        this.rest = rest;
    }

    /** Becomes another one; its words are as the constructor's. */
    void read(long first, long second, long others) {
        low = first;
        high = second;
        rest = others;
    }

    /** {@return the type: bits 11:9 above bits 3:0} */
    int type() {
        return (int) (low & 0xf | low >>> 5 & 0x70);
    }

    int granularity() {
        return bits(low, 5, 4);
    }

    int domain() {
        return bits(low, 31, 16);
    }

    int source() {
        return bits(low, 47, 32);
    }

    int functionMask() {
        return bits(low, 49, 48);
    }

    int pasid() {
        return bits(low, 51, 32);
    }

    boolean drainsWrites() {
        return bits(low, 6, 6) != 0;
    }

    boolean drainsReads() {
        return bits(low, 7, 7) != 0;
    }

    int addressMask() {
        return bits(high, 5, 0);
    }

    boolean leavesOnly() {
        return bits(high, 6, 6) != 0;
    }

    long address() {
        return high & ~0xfffL;
    }

    boolean interrupts() {
        return bits(low, 4, 4) != 0;
    }

    boolean writesStatus() {
        return bits(low, 5, 5) != 0;
    }

    int statusValue() {
        return (int) (low >>> 32);
    }

    long statusAddress() {
        return high & ~3L;
    }

    /** {@return the source of a descriptor that has a PASID, too: types 8 and 9} */
    int sourceOfPasid() {
        return bits(low, 31, 16);
    }

    /** {@return true if an answer is to a page request with a PASID} */
    boolean hasPasid() {
        return bits(low, 4, 4) != 0;
    }

    /** {@return true if an invalidation of type 8 concerns all address spaces} */
    boolean isGlobal() {
        return bits(high, 0, 0) != 0;
    }

    /** {@return true if the address of type 3 or 8 says how much is invalidated: the S bit} */
    boolean isSized() {
        int position = type() == DEVICE_TLB ? 0 : 11;
        return bits(high, position, position) != 0;
    }

    int responseCode() {
        return bits(low, 15, 12);
    }

    /** {@return the index of the group of page requests that is answered} */
    int group() {
        return bits(high, 11, 3);
    }

    /** {@return true if a wait is for page requests, too: PD} */
    boolean drainsPageRequests() {
        return bits(low, 7, 7) != 0;
    }

    /** {@return true if the unit passes it on to a device} */
    boolean isForDevice() {
        return switch (type()) {
            case DEVICE_TLB, PASID_DEVICE_TLB, PAGE_RESPONSE -> true;
            default -> false;
        };
    }

    /** {@return true if there is such a type} */
    boolean isKnown() {
        return switch (type()) {
            case CONTEXT_CACHE, IOTLB, DEVICE_TLB, INTERRUPT_ENTRIES, WAIT -> true;
            default -> isOfScalableMode();
        };
    }

    /**
     * {@return true if the unit waits until a device says that it is done; not so with an answer}
     */
    boolean isAnsweredByDevice() {
        return type() == DEVICE_TLB || type() == PASID_DEVICE_TLB;
    }

    /** {@return true if it takes scalable mode, and a queue of 256 bits} */
    boolean isOfScalableMode() {
        return type() >= PASID_IOTLB && type() <= PAGE_RESPONSE;
    }

    /** {@return true if no bit is set that a descriptor of this type must leave clear} */
    boolean isWellFormed() {
        long lowLegal =
                switch (type()) {
                    case CONTEXT_CACHE -> mask(5, 4) | mask(31, 16) | mask(47, 32) | mask(49, 48);
                    case IOTLB -> mask(7, 4) | mask(31, 16);
                    case DEVICE_TLB -> mask(20, 12) | mask(47, 32) | mask(63, 52);
                    case INTERRUPT_ENTRIES -> mask(4, 4) | mask(31, 27) | mask(47, 32);
                    case PASID_IOTLB, PASID_CACHE -> mask(5, 4) | mask(31, 16) | mask(51, 32);
                    case PASID_DEVICE_TLB -> mask(8, 4) | mask(63, 12);
                    case PAGE_RESPONSE -> mask(4, 4) | mask(51, 12);
                    default -> mask(7, 4) | mask(63, 32);
                };
        long highLegal =
                switch (type()) {
                    case IOTLB, PASID_IOTLB -> mask(6, 0) | mask(63, 12);
                    case DEVICE_TLB -> mask(63, 12) | mask(0, 0);
                    case PASID_DEVICE_TLB -> mask(63, 11) | mask(0, 0);
                    case PAGE_RESPONSE -> mask(11, 2);
                    case WAIT -> mask(63, 2);
                    default -> 0;
                };
        return (low & ~(TYPE_BITS | lowLegal)) == 0
                && (high & ~highLegal) == 0
                && rest == 0
                && hasGranularity();
    }

    private boolean hasGranularity() {
        return switch (type()) {
            case CONTEXT_CACHE, IOTLB -> granularity() != 0;
            case PASID_IOTLB -> granularity() == DOMAIN || granularity() == SELECTIVE;
            case PASID_CACHE -> granularity() != DOMAIN;
            default -> true;
        };
    }

    private static int bits(long word, int high, int low) {
        return (int) (word >>> low & (1L << high - low + 1) - 1);
    }

    private static long mask(int high, int low) {
        return (-1L >>> 63 - high + low) << low;
    }
}
