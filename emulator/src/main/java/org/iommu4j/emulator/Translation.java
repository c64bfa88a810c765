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

    /** Of a page: it is not for supervisors only. */
    static final int USER = 16;

    /** The page's size, as a power of two. */
    final int shift;

    /** What the page permits; 0 if it is not present. */
    final int access;

    /** True if writing to the page changes no bit of its entry any more. */
    final boolean written;

    /**
     * Requests that want no more than this need nothing else than this translation: {@link #READ}
     * and {@link #WRITE} at most.
     */
    final int ready;

    /**
     * Why there is no translation; {@link FaultReason#NONE} if there is one, whether it permits
     * what is wanted or not.
     */
    final int fault;

    /** The root of the tables that this was made of; 0 if it was made of none. */
    final long root;

    /** The moment of it, for the audit. */
    final long asOf;

    private final long base;

    private Translation(
            long tag,
            int space,
            int shift,
            long base,
            int access,
            boolean written,
            int fault,
            long root,
            long asOf) {
        super(tag, space);
        this.shift = shift;
        this.base = base;
        this.access = access;
        this.written = written;
        this.ready = (access & USER) == 0 ? 0 : access & (written ? READ | WRITE : READ);
        this.fault = fault;
        this.root = root;
        this.asOf = asOf;
    }

    /**
     * A page that is present.
     *
     * @param context whose page
     * @param iova an address in it
     * @param shift its size, as a power of two
     * @param base where it lies
     * @param access what it permits
     * @param written true if writing to it changes no bit of its entry any more
     * @param root the root of the tables
     * @param asOf the moment of it
     */
    static Translation of(
            Context context,
            long iova,
            int shift,
            long base,
            int access,
            boolean written,
            long root,
            long asOf) {
        return new Translation(
                tag(context.domain, iova >>> shift),
                context.cachedPasid,
                shift,
                base,
                access,
                written,
                FaultReason.NONE,
                root,
                asOf);
    }

    /** A page of 4 KiB whose addresses are physical ones. */
    static Translation itself(Context context, long iova) {
        int everything = READ | WRITE | EXECUTE | USER;
        return of(context, iova, 12, iova & -1L << 12, everything, true, 0, 0);
    }

    /** A page of 4 KiB, or something larger that it lies in, that is not present. */
    static Translation absent(Context context, long iova, long root, long asOf) {
        return of(context, iova, 12, 0, 0, true, root, asOf);
    }

    /** Tables that cannot be followed, or do not lead where the request wants. */
    static Translation fault(Context context, long iova, int code, long root) {
        return new Translation(
                tag(context.domain, iova >>> 12),
                context.cachedPasid,
                12,
                0,
                0,
                true,
                code,
                root,
                0);
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
        return new Translation(
                tag(id(), iova >>> smallerShift),
                space,
                smallerShift,
                within,
                access,
                written,
                fault,
                root,
                asOf);
    }

    /**
     * Says why a request is blocked.
     *
     * @param context whose request
     * @param wanted what it wants
     * @return the reason; {@link FaultReason#NONE} if it is not
     */
    int faultOf(Context context, int wanted) {
        return fault == FaultReason.NONE ? faultOf(context, access, wanted) : fault;
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
}
