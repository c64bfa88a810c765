package org.iommu4j.emulator;

import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * What the tables say about the requests of one source, and in scalable mode of one process address
 * space, or why they say nothing: the content of the context cache and the PASID cache. Immutable.
 */
final class Context extends TagArray.Tagged {

    /** Faults are not recorded (FPD). */
    static final int SILENT = 1;

    /** The device may translate for itself (DTE, or the type of a legacy entry). */
    static final int DEVICE_TLB = 1 << 1;

    /** The device may ask for pages (PRE). */
    static final int PAGE_REQUESTS = 1 << 2;

    /** Page walks snoop the processor's cache. */
    static final int SNOOPED = 1 << 3;

    /** Page walks set accessed and dirty bits. */
    static final int ACCESSED_DIRTY = 1 << 4;

    /** Requests in the name of a supervisor are served (SRE). */
    static final int SUPERVISOR = 1 << 5;

    /** A supervisor may write where a user may not (WPE is clear). */
    static final int SUPERVISOR_WRITES = 1 << 6;

    /** Requests to execute are served (ERE). */
    static final int EXECUTES = 1 << 7;

    private static final int OF_DEVICE = DEVICE_TLB | PAGE_REQUESTS;

    /** Requester id. */
    final int source;

    /**
     * Whose tables these are: a process address space; {@link SourceId#NO_PASID} in legacy mode.
     */
    final int pasid;

    /** Domain id; 0 where there is no entry. */
    final int domain;

    /**
     * The process address space that tags its translations beside the domain; {@link
     * SourceId#NO_PASID} where the domain alone does.
     */
    final int cachedPasid;

    /** The root of the page tables. */
    final long root;

    /** How many levels they have. */
    final int levels;

    /** How many bits an address may have. */
    final int width;

    /** How requests get to memory. */
    final Stage stage;

    /** Why requests are blocked; {@link FaultReason#NONE} if they are not. */
    final int fault;

    /** The end of the addresses that the IOTLB is asked for before anything else. */
    final long end;

    /** What the context entry said; null in legacy mode, and where it does not count. */
    final @Nullable DeviceContext device;

    private final int flags;

    private Context(
            int source,
            int pasid,
            int domain,
            long root,
            int levels,
            int width,
            Stage stage,
            int flags,
            int fault,
            @Nullable DeviceContext device) {
        super(tag(source, 0), pasid);
        this.source = source;
        this.pasid = pasid;
        this.domain = domain;
        this.cachedPasid = stage.isTaggedByPasid() ? pasid : SourceId.NO_PASID;
        this.root = root;
        this.levels = levels;
        this.width = width;
        this.stage = stage;
        this.flags = flags;
        this.fault = fault;
        this.device = device;
        boolean isCached = fault == FaultReason.NONE && stage != Stage.LEGACY_PASS_THROUGH;
        this.end = isCached ? 1L << (stage == Stage.FIRST ? width - 1 : width) : 0;
    }

    /**
     * An entry that lets requests through.
     *
     * @param source requester id
     * @param pasid whose entry it is
     * @param domain domain id
     * @param root the root of the page tables; 0 if there are none
     * @param levels how many levels they have
     * @param width how many bits an address may have
     * @param stage how requests get to memory
     * @param flags what else the entry says: {@link #SILENT} and so on
     */
    static Context of(
            int source,
            int pasid,
            int domain,
            long root,
            int levels,
            int width,
            Stage stage,
            int flags) {
        return new Context(
                source, pasid, domain, root, levels, width, stage, flags, FaultReason.NONE, null);
    }

    /** An entry that blocks every request. */
    static Context fault(int source, int pasid, int code, boolean silent) {
        int flags = silent ? SILENT : 0;
        return new Context(source, pasid, 0, 0, 0, 0, Stage.LEGACY, flags, code, null);
    }

    /** {@return the same entry of a PASID table, reached by way of a context entry} */
    Context by(DeviceContext through) {
        return new Context(
                source,
                pasid,
                domain,
                root,
                levels,
                width,
                stage,
                flags & ~OF_DEVICE | through.flags(),
                fault,
                through);
    }

    /** {@return true if a flag is set} */
    boolean is(int flag) {
        return (flags & flag) != 0;
    }

    boolean isFault() {
        return fault != FaultReason.NONE;
    }

    /** {@return true if there is just nothing there, which caching mode holds on to} */
    boolean isAbsent() {
        return switch (fault) {
            case FaultReason.ROOT_NOT_PRESENT,
                    FaultReason.CONTEXT_NOT_PRESENT,
                    FaultReason.SCALABLE_ROOT_NOT_PRESENT,
                    FaultReason.SCALABLE_CONTEXT_NOT_PRESENT,
                    FaultReason.DIRECTORY_NOT_PRESENT,
                    FaultReason.PASID_NOT_PRESENT ->
                    true;
            default -> false;
        };
    }

    /**
     * Says why a request is blocked whatever the page tables say.
     *
     * @param iova its address
     * @param wanted what it wants
     * @param largestWidth the most bits that a request may have (MGAW)
     * @return the reason; {@link FaultReason#NONE} if it is not
     */
    int refuses(long iova, int wanted, int largestWidth) {
        if (isFault()) {
            return fault;
        }
        if ((wanted & Translation.EXECUTE) != 0 && !is(EXECUTES) && !stage.isLegacy()) {
            return FaultReason.EXECUTE_REQUESTS_OFF;
        }
        if ((wanted & Translation.PRIVILEGED) != 0 && !is(SUPERVISOR) && !stage.isLegacy()) {
            return FaultReason.SUPERVISOR_REQUESTS_OFF;
        }
        return switch (stage) {
            case FIRST -> isCanonical(iova) ? FaultReason.NONE : FaultReason.NOT_CANONICAL;
            case SECOND ->
                    iova >>> largestWidth != 0
                            ? FaultReason.BEYOND_UNIT_WIDTH
                            : iova >>> width != 0
                                    ? FaultReason.BEYOND_TABLE_WIDTH
                                    : FaultReason.NONE;
            case PASS_THROUGH ->
                    iova >>> width != 0 ? FaultReason.BEYOND_UNIT_WIDTH : FaultReason.NONE;
            default -> iova >>> width != 0 ? FaultReason.BEYOND_WIDTH : FaultReason.NONE;
        };
    }

    private boolean isCanonical(long iova) {
        int unused = Long.SIZE - width;
        return iova << unused >> unused == iova;
    }
}
