package org.iommu4j.emulator;

/**
 * What a page walk came to, and what the IOTLB holds: where a page of I/O virtual addresses lies,
 * and what may be done there. A request has one, which becomes what walks and caches say.
 */
final class Translation {

    /** A device may read. */
    static final int READ = 1;

    /** A device may write. */
    static final int WRITE = 2;

    /** A device may execute. */
    static final int EXECUTE = 4;

    /** Of a request: it is made in the name of a supervisor. */
    static final int PRIVILEGED = 8;

    /** Of a page: it is not for supervisors only. */
    static final int USER = 16;

    /* Among the rights that the IOTLB keeps: writing changes no bit of the entry any more. */
    private static final int WRITTEN = 32;

    private int shift;
    private long base;
    private int rights;
    private int fault;
    private long root;
    private long asOf;

    /**
     * Becomes a page that is present.
     *
     * @param size its size, as a power of two
     * @param start where it lies
     * @param access what it permits
     * @param written true if writing to it changes no bit of its entry any more
     * @param tables the root of the tables
     * @param moment the moment of it
     * @return this
     */
    Translation page(int size, long start, int access, boolean written, long tables, long moment) {
        return page(size, start, access | (written ? WRITTEN : 0), tables, moment);
    }

    /** The same, with the {@linkplain #rights rights} of another. */
    Translation page(int size, long start, int otherRights, long tables, long moment) {
        shift = size;
        base = start;
        rights = otherRights;
        fault = FaultReason.NONE;
        root = tables;
        asOf = moment;
        return this;
    }

    /** Becomes a page of 4 KiB whose addresses are physical ones. */
    Translation itself(long iova) {
        return page(12, iova & -1L << 12, READ | WRITE | EXECUTE | USER, true, 0, 0);
    }

    /** Becomes a page of 4 KiB, or something larger that it lies in, that is not present. */
    Translation absent(long tables, long moment) {
        return page(12, 0, 0, true, tables, moment);
    }

    /** Becomes tables that cannot be followed, or do not lead where the request wants. */
    Translation fault(int code, long tables) {
        absent(tables, 0);
        fault = code;
        return this;
    }

    /** {@return the page's size, as a power of two} */
    int shift() {
        return shift;
    }

    /** {@return where the page lies} */
    long base() {
        return base;
    }

    /** {@return what the page permits, and whether it is {@link #isWritten}} */
    int rights() {
        return rights;
    }

    /**
     * {@return requests that want no more than this need nothing else than this translation: {@link
     * #READ} and {@link #WRITE} at most}
     */
    int ready() {
        return ready(rights);
    }

    /** The same of {@link #rights} alone. */
    static int ready(int rights) {
        boolean isForAll = (rights & USER) != 0;
        return isForAll ? rights & ((rights & WRITTEN) != 0 ? READ | WRITE : READ) : 0;
    }

    /** {@return true if writing to the page changes no bit of its entry any more} */
    boolean isWritten() {
        return (rights & WRITTEN) != 0;
    }

    /**
     * {@return why there is no translation; {@link FaultReason#NONE} if there is one, whether it
     * permits what is wanted or not}
     */
    int fault() {
        return fault;
    }

    /** {@return the root of the tables that this was made of; 0 if it was made of none} */
    long root() {
        return root;
    }

    /** {@return the moment of it, for the audit} */
    long asOf() {
        return asOf;
    }

    /** {@return where an address in this page lies} */
    long physical(long iova) {
        return base | iova & (1L << shift) - 1;
    }

    boolean isPresent() {
        return access() != 0;
    }

    /** {@return the part of this page of a smaller size that holds an address} */
    Translation fragment(long iova, int smallerShift) {
        long within = physical(iova) & -(1L << smallerShift);
        return new Translation().page(smallerShift, within, rights, root, asOf);
    }

    /**
     * Says why a request is blocked.
     *
     * @param context whose request
     * @param wanted what it wants
     * @return the reason; {@link FaultReason#NONE} if it is not
     */
    int faultOf(Context context, int wanted) {
        return fault == FaultReason.NONE ? faultOf(context, access(), wanted) : fault;
    }

    /** The same for what tables permit. */
    static int faultOf(Context context, int access, int wanted) {
        Stage stage = context.stage;
        boolean privileged = (wanted & PRIVILEGED) != 0;
        int refused = wanted & ~access;
        if (access == 0) {
            return stage.notPresent(wanted);
        }
        if (!privileged && (access & USER) == 0) {
            return FaultReason.NOT_FOR_USERS;
        }
        if ((refused & WRITE) != 0 && !(privileged && context.is(Context.SUPERVISOR_WRITES))) {
            return stage.noWrite();
        }
        if ((refused & READ) != 0) {
            return stage.noRead();
        }
        return (refused & EXECUTE) != 0 ? FaultReason.NO_EXECUTE : FaultReason.NONE;
    }

    private int access() {
        return rights & ~WRITTEN;
    }
}
