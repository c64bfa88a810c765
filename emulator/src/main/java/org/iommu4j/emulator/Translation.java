package org.iommu4j.emulator;

/**
 * What a page walk came to, and what the IOTLB holds: where a page of I/O virtual addresses lies,
 * and what may be done there. Immutable.
 */
final class Translation extends TagArray.Tagged {

    /** A device may read. */
    static final int READ = 1;

    /** A device may write. */
    static final int WRITE = 2;

    /** A device may execute. */
    static final int EXECUTE = 4;

    /** Of a request: it is made in the name of a supervisor. */
    static final int PRIVILEGED = 8;

    /** The page's size, as a power of two. */
    final int shift;

    /** {@link #READ} and {@link #WRITE}; 0 if the page is not present. */
    final int access;

    /**
     * Why there is no translation whatever the access; {@link FaultReason#NONE} if there is one.
     */
    final int fault;

    /** The root of the tables that this was made of. */
    final long root;

    /** The moment of it, for the audit. */
    final long asOf;

    private final long base;

    private Translation(
            long tag, int shift, long base, int access, int fault, long root, long asOf) {
        super(tag);
        this.shift = shift;
        this.base = base;
        this.access = access;
        this.fault = fault;
        this.root = root;
        this.asOf = asOf;
    }

    /** A page that is present. */
    static Translation of(
            int domain, long iova, int shift, long base, int access, long root, long asOf) {
        return new Translation(
                tag(domain, iova >>> shift), shift, base, access, FaultReason.NONE, root, asOf);
    }

    /** A page of 4 KiB, or something larger that it lies in, that is not present. */
    static Translation absent(int domain, long iova, long root, long asOf) {
        return of(domain, iova, 12, 0, 0, root, asOf);
    }

    /** Tables that cannot be followed. */
    static Translation fault(int domain, long iova, int code, long root) {
        return new Translation(tag(domain, iova >>> 12), 12, 0, 0, code, root, 0);
    }

    /** {@return where an address in this page lies} */
    long physical(long iova) {
        return base | iova & (1L << shift) - 1;
    }

    boolean isPresent() {
        return access != 0;
    }

    /** {@return the part of this page of a smaller size that holds an address} */
    Translation fragment(long iova, int smallerShift) {
        long within = physical(iova) & -(1L << smallerShift);
        return of(domain(), iova, smallerShift, within, access, root, asOf);
    }

    /**
     * Says why an access is blocked.
     *
     * @param wanted {@link #READ} and {@link #WRITE}
     * @return the reason; {@link FaultReason#NONE} if it is not
     */
    int faultOf(int wanted) {
        if (fault != FaultReason.NONE || (access & wanted) == wanted) {
            return fault;
        }
        return (wanted & ~access & WRITE) != 0 ? FaultReason.NO_WRITE : FaultReason.NO_READ;
    }
}
