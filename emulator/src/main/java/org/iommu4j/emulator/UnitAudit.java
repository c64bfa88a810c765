package org.iommu4j.emulator;

import org.iommu4j.emulator.TablePages.Life;
import org.iommu4j.emulator.TablePages.Page;
import org.iommu4j.emulator.TablePages.State;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * The hardware's half of the sanitizer: holds what units read, use and block against the evidence.
 * Any thread may call any method.
 */
final class UnitAudit implements Audit {

    /* Never translated. */
    private static final long INTERRUPTS = 0xfee;
    private static final int INTERRUPT_SHIFT = 20;

    private final boolean cachingMode;
    private final boolean buffersWrites;
    private final @Nullable Lag lag;
    private final Evidence evidence;
    private final LiveEntries entries;
    private final PageRequestAudit pageRequests;

    UnitAudit(EmulatorOptions options, @Nullable Lag lag, Evidence evidence, LiveEntries entries) {
        this.cachingMode = options.cachingMode();
        this.buffersWrites = options.writeBufferFlush();
        this.lag = lag;
        this.evidence = evidence;
        this.entries = entries;
        this.pageRequests = new PageRequestAudit(evidence);
    }

    @Override
    public long moment() {
        return evidence.moments.now();
    }

    @Override
    public void tables(long root, int levels, EntryFormat format) {
        evidence.trees.of(root).shape(levels, format);
    }

    @Override
    public long tableRead(long root, long address, long value, long reached, boolean lags) {
        long now = evidence.moments.now();
        long asOf = now;
        Page page = evidence.pages.find(address);
        Life life = page == null ? null : page.life();
        if (life != null) {
            asOf = asOf(life, root, address, reached, now, lags);
        }
        if (lag != null && lags) {
            long changed = lag.changedAt(address);
            asOf = changed == 0 ? asOf : older(asOf, Moments.old(changed, Moments.UNWRITTEN));
        }
        if (Moments.causeOf(reached) != 0) {
            asOf = older(asOf, reached);
        }
        if (asOf != now) {
            evidence.strands.get().sawOld(asOf, now, address & -PhysicalMemory.PAGE_SIZE);
        }
        return asOf;
    }

    private static long older(long moment, long other) {
        return Math.min(moment, other);
    }

    private long asOf(Life life, long root, long address, long reached, long now, boolean lags) {
        if (life.state() == State.UNLINKED) {
            return Moments.old(life.since(), Moments.UNLINKED);
        }
        boolean recycled = life.isRecycled() && reached < life.linked();
        if (life.state() == State.RETURNED || recycled) {
            foundReturned(life, root, address, recycled);
            return Moments.old(life.since(), Moments.RETURNED);
        }
        if (lag != null && lags) {
            long unwritten = lag.unwrittenSince(address);
            if (unwritten != 0 && unwritten < life.linked()) {
                foundUnwritten(root, address);
            }
        }
        return now;
    }

    @Override
    public void used(
            int requester,
            int pasid,
            long root,
            long from,
            long iova,
            boolean write,
            long asOf,
            long begun) {
        if (root != from || !evidence.attachments.isAttached(requester, pasid, root)) {
            checkAttached(requester, pasid, root, iova, begun);
            checkAttached(requester, pasid, from, iova, begun);
        }
        if (!evidence.recent.noneSince(iova, asOf)) {
            checkRemoved(requester, pasid, from, iova, asOf, begun, "a translation");
            if (write) {
                checkCleaned(requester, pasid, from, iova, asOf, begun, "a translation");
            }
        }
    }

    @Override
    public void usedByDevice(
            int requester, int pasid, long from, long iova, boolean write, long asOf, long begun) {
        if (!evidence.attachments.isAttached(requester, pasid, from)) {
            checkAttached(requester, pasid, from, iova, begun);
        }
        if (!evidence.recent.noneSince(iova, asOf)) {
            String what = "a translation of its own TLB";
            checkRemoved(requester, pasid, from, iova, asOf, begun, what);
            if (write) {
                checkCleaned(requester, pasid, from, iova, asOf, begun, what);
            }
        }
    }

    @Override
    public void pageRequested(PageRequest request) {
        pageRequests.requested(request);
    }

    @Override
    public void pageAnswered(int requester, int pasid, int group, int code) {
        pageRequests.answered(requester, pasid, group, code);
    }

    @Override
    public void pageRequestsEnd(int requester, String why) {
        pageRequests.end(requester, why);
    }

    private void checkAttached(int requester, int pasid, long root, long iova, long begun) {
        if (root != 0 && evidence.attachments.forbiddenSince(requester, pasid, root) <= begun) {
            evidence.findings.add(
                    "L2",
                    text(requester, pasid, iova, "uses tables at 0x" + Long.toHexString(root))
                            + " that it is not attached to",
                    () -> evidence.history.of(root, iova, 0));
        }
    }

    private void checkRemoved(
            int requester, int pasid, long root, long iova, long asOf, long begun, String what) {
        BelievedTables tree = evidence.trees.find(root);
        BelievedTables.Removal removed = tree == null ? null : tree.removedAt(iova);
        int cause = Moments.causeOf(asOf);
        if (tree == null
                || removed == null
                || removed.moment() <= asOf
                || !tree.isForgotten(iova, removed, cause == Moments.UNLINKED, begun)) {
            return;
        }
        if (cause != Moments.RETURNED) {
            evidence.findings.add(
                    ruleOf(cause),
                    text(requester, pasid, iova, "uses " + what + " as of " + asOf)
                            + ", which software had unmapped at "
                            + removed.moment()
                            + " and invalidated",
                    () -> evidence.history.of(root, iova, 0));
        }
    }

    /* The write set no dirty bit: the one it found was cleared since. */
    private void checkCleaned(
            int requester, int pasid, long root, long iova, long asOf, long begun, String what) {
        BelievedTables tree = evidence.trees.find(root);
        BelievedTables.Cleaning cleaned = tree == null ? null : tree.cleanedAt(iova);
        if (tree == null
                || cleaned == null
                || cleaned.moment() <= asOf
                || begun < cleaned.report().finalSince()
                || Moments.causeOf(asOf) == Moments.RETURNED) {
            return;
        }
        evidence.findings.add(
                "D3",
                text(requester, pasid, iova, "writes through " + what + " as of " + asOf)
                        + ", dirty already, and sets no dirty bit, though software cleared"
                        + (cleaned.slot() == 0
                                ? " all of them"
                                : " that of the entry at 0x" + Long.toHexString(cleaned.slot()))
                        + " at "
                        + cleaned.moment()
                        + " and took its report for final at "
                        + cleaned.report().finalSince()
                        + ": the write is in no report; "
                        + tree.lastInvalidation(iova),
                () -> evidence.history.of(root, iova, 0));
    }

    @Override
    public void blocked(
            int requester, int pasid, long root, long iova, boolean write, int code, long begun) {
        BelievedTables tree = evidence.trees.find(root);
        long since = tree == null ? 0 : tree.mappedSince(iova);
        if (tree == null
                || since == 0
                || since > begun
                || code == FaultReason.INTERRUPT_RANGE
                || code == FaultReason.SCALABLE_INTERRUPT_RANGE
                || iova >>> INTERRUPT_SHIFT == INTERRUPTS
                || !isUsable(tree, iova, since, begun)
                || (entries.access(tree, iova) & (write ? Translation.WRITE : Translation.READ))
                        == 0
                || tree.mappedSince(iova) != since) {
            return;
        }
        long old = evidence.strands.get().oldSince(begun);
        int cause = Moments.causeOf(old);
        boolean mayBeOld = cause == Moments.UNLINKED && !tree.isForgotten(iova, true, old, begun);
        if (!mayBeOld && cause != Moments.RETURNED) {
            foundBlocked(requester, pasid, root, iova, code, since, cause);
        }
    }

    /** Whether hardware must know by then that an address is mapped. */
    private boolean isUsable(BelievedTables tree, long iova, long since, long begun) {
        BelievedTables.Removal removed = tree.removedAt(iova);
        if (removed != null && !tree.isForgotten(iova, removed, false, begun)
                || cachingMode && !tree.isForgotten(iova, false, since, begun)) {
            return false;
        }
        long flush = evidence.moments.lastFlush();
        return !buffersWrites || since < flush && flush <= begun;
    }

    private void foundBlocked(
            int requester, int pasid, long root, long iova, int code, long since, int cause) {
        long page = cause == 0 ? 0 : evidence.strands.get().oldPage();
        evidence.findings.add(
                cause == 0 ? (cachingMode ? "G5" : "S1") : ruleOf(cause),
                text(requester, pasid, iova, "faults with 0x" + Integer.toHexString(code))
                        + ", though mapped since "
                        + since,
                () -> evidence.history.of(root, iova, page));
    }

    private String ruleOf(int cause) {
        return switch (cause) {
            case Moments.UNLINKED -> "G3";
            case Moments.UNWRITTEN -> buffersWrites ? "G5" : "S7";
            case Moments.RETURNED -> "G1";
            default -> "G2";
        };
    }

    private void foundReturned(Life life, long root, long address, boolean recycled) {
        long page = address & -PhysicalMemory.PAGE_SIZE;
        evidence.findings.add(
                "G1",
                "a walk in tables at 0x"
                        + Long.toHexString(root)
                        + " goes through the page at 0x"
                        + Long.toHexString(page)
                        + (recycled
                                ? ", which was linked elsewhere at " + life.linked()
                                : ", which was returned at " + life.since()),
                () -> evidence.history.of(root, -1, page));
    }

    private void foundUnwritten(long root, long address) {
        evidence.findings.add(
                "S7",
                "a walk in tables at 0x"
                        + Long.toHexString(root)
                        + " reads the word at 0x"
                        + Long.toHexString(address)
                        + ", whose line was stored to before its table was linked and never"
                        + " written back",
                () -> evidence.history.of(root, -1, address & -PhysicalMemory.PAGE_SIZE));
    }

    private String text(int requester, int pasid, long iova, String does) {
        return "device 0x"
                + Integer.toHexString(requester)
                + (pasid == SourceId.NO_PASID ? "" : ", PASID 0x" + Integer.toHexString(pasid))
                + ", at 0x"
                + Long.toHexString(iova)
                + ", "
                + does;
    }

    @Override
    public void invalidated(String what) {
        evidence.history.everywhere(evidence.moments.tick(), what);
    }
}
