package org.iommu4j.emulator;

import java.util.List;
import org.iommu4j.emulator.TablePages.Life;
import org.iommu4j.emulator.TablePages.Page;
import org.iommu4j.emulator.TablePages.State;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;
import org.jspecify.annotations.Nullable;

/*
 * Software says when it takes a range away (unmapped, at r) and which removals an invalidation has come after
 * (invalidated, of a moment). The unit says of every translation it uses as of which moment it was true. A use is wrong if
 * the range was unmapped at r, as of < r, and an invalidation of a moment > r was complete when the DMA began. Everything
 * else is leniency: where software and a unit race, the unit is right.
 *
 * As of when a word was true: now, if its table is linked and the unit saw what is in memory; else the moment when the
 * table was unlinked, or the word changed and not written back. That moment carries the cause, and the cause is the rule:
 * a paging-structure cache that was not invalidated (G3), a line that was not written back (S7), else the IOTLB (G2).
 */

/**
 * Holds what software believes of its tables against what units do with them. Any thread may call
 * any method.
 */
final class TranslationSanitizer implements Witness, Sanitizer {

    /* Never translated. */
    private static final long INTERRUPTS = 0xfee;
    private static final int INTERRUPT_SHIFT = 20;
    private static final int OUTPUT_IN_INTERRUPT_RANGE = 0xe;

    private final boolean cachingMode;
    private final boolean buffersWrites;
    private final Moments moments;
    private final @Nullable Lag lag;
    private final TablePages pages;
    private final Trees trees = new Trees();
    private final RecentRemovals recent = new RecentRemovals();
    private final Attachments attachments = new Attachments();
    private final History history = new History();
    private final Findings findings = new Findings();
    private final ThreadLocal<Strand> strands = ThreadLocal.withInitial(Strand::new);
    private final LiveEntries entries;
    private final UnitAudit audit = new UnitAudit();

    /**
     * Listens to a machine.
     *
     * @param options the machine's options
     * @param memory its whole memory, unobserved
     * @param moments the clock
     * @param lag what delays software's stores, or null
     */
    TranslationSanitizer(
            EmulatorOptions options, PhysicalMemory memory, Moments moments, @Nullable Lag lag) {
        this.cachingMode = options.cachingMode();
        this.buffersWrites = options.writeBufferFlush();
        this.moments = moments;
        this.lag = lag;
        this.pages = new TablePages(options.memory(), options.tableMemory());
        this.entries = new LiveEntries(memory, pages, trees, moments, history, findings, strands);
    }

    /** {@return what hears the units} */
    Audit audit() {
        return audit;
    }

    /** {@return what sees software's stores} */
    LiveEntries entries() {
        return entries;
    }

    @Override
    public long count() {
        return findings.count();
    }

    @Override
    public List<Finding> findings() {
        return findings.findings();
    }

    @Override
    public long moment() {
        return moments.tick();
    }

    @Override
    public void tableLinked(long root, long page) {
        if (!pages.contains(page)) {
            return;
        }
        long moment = moments.tick();
        Page table = pages.of(page);
        table.link(root, moment);
        entries.linked(table);
        if (page == root) {
            trees.of(root).renew();
        }
        history.page(moment, "links a table", root, page);
    }

    @Override
    public void tableUnlinked(long root, long page) {
        end(State.UNLINKED, "has unlinked a table", root, page);
    }

    @Override
    public void tableReturned(long root, long page) {
        end(State.RETURNED, "returns a table", root, page);
    }

    private void end(State state, String what, long root, long page) {
        if (pages.contains(page)) {
            long moment = moments.tick();
            pages.of(page).end(state, root, moment);
            history.page(moment, what, root, page);
        }
    }

    @Override
    public void mapped(long root, long iova, long size) {
        long moment = moments.tick();
        trees.of(root).mapped(iova, iova + size, moment);
        history.range(moment, "has mapped", root, iova, iova + size);
    }

    @Override
    public void unmapping(long root, long iova, long size) {
        strands.get().unmapping(root, iova, iova + size);
        trees.of(root).unmapping(iova, iova + size);
        history.range(moments.tick(), "unmaps", root, iova, iova + size);
    }

    @Override
    public void unmapped(long root, long iova, long size) {
        BelievedTables tree = trees.of(root);
        long moment = moments.tick();
        long end = iova + size;
        tree.unmapped(iova, end, moment);
        recent.add(iova, end, moment);
        history.range(moment, "has unmapped", root, iova, end);
        long left = entries.stillMapped(tree, iova, end);
        if (left >= 0) {
            String rule = strands.get().hasFailed(iova, end) ? "S5" : "U1";
            findings.add(
                    rule,
                    "software says that it has unmapped 0x"
                            + Long.toHexString(left)
                            + ", and the tables map it"
                            + ("S5".equals(rule) ? "; an exchange there has failed" : ""),
                    () -> history.of(root, left, 0));
        }
    }

    @Override
    public void invalidated(long root, long iova, long size, long moment) {
        long now = moments.tick();
        history.range(now, "has invalidated, as of " + moment + ",", root, iova, iova + size);
        trees.of(root).invalidated(iova, iova + size, moment, now);
    }

    @Override
    public void attaching(SourceId device, long root) {
        attachments.attaching(device.requester(), root);
        history.everywhere(
                moments.tick(), "attaches " + device + " to tables at 0x" + Long.toHexString(root));
    }

    @Override
    public void detached(SourceId device, long root) {
        long moment = moments.tick();
        attachments.detached(device.requester(), root, moment);
        history.everywhere(
                moment, "has detached " + device + " from tables at 0x" + Long.toHexString(root));
    }

    /** The hardware's half. */
    private final class UnitAudit implements Audit {

        @Override
        public long moment() {
            return moments.now();
        }

        @Override
        public void tables(long root, int levels) {
            trees.of(root).levels(levels);
        }

        @Override
        public long tableRead(long root, long address, long value, long reached) {
            long now = moments.now();
            long asOf = now;
            Page page = pages.find(address);
            Life life = page == null ? null : page.life();
            if (life != null) {
                asOf = asOf(life, root, address, reached, now);
            }
            if (lag != null) {
                long changed = lag.changedAt(address);
                asOf = changed == 0 ? asOf : older(asOf, Moments.old(changed, Moments.UNWRITTEN));
            }
            if (Moments.causeOf(reached) != 0) {
                asOf = older(asOf, reached);
            }
            if (asOf != now) {
                strands.get().sawOld(asOf, now, address & -PhysicalMemory.PAGE_SIZE);
            }
            return asOf;
        }

        private static long older(long moment, long other) {
            return Math.min(moment, other);
        }

        private long asOf(Life life, long root, long address, long reached, long now) {
            if (life.state() == State.UNLINKED) {
                return Moments.old(life.since(), Moments.UNLINKED);
            }
            boolean recycled = life.isRecycled() && reached < life.linked();
            if (life.state() == State.RETURNED || recycled) {
                foundReturned(life, root, address, recycled);
                return Moments.old(life.since(), Moments.RETURNED);
            }
            if (lag != null) {
                long unwritten = lag.unwrittenSince(address);
                if (unwritten != 0 && unwritten < life.linked()) {
                    foundUnwritten(root, address);
                }
            }
            return now;
        }

        @Override
        public void used(int requester, long root, long from, long iova, long asOf, long begun) {
            if (root != from || !attachments.isAttached(requester, root)) {
                checkAttached(requester, root, iova, begun);
                checkAttached(requester, from, iova, begun);
            }
            if (!recent.noneSince(iova, asOf)) {
                checkRemoved(requester, from, iova, asOf, begun);
            }
        }

        private void checkAttached(int requester, long root, long iova, long begun) {
            if (attachments.forbiddenSince(requester, root) <= begun) {
                findings.add(
                        "L2",
                        text(requester, iova, "uses tables at 0x" + Long.toHexString(root))
                                + " that it is not attached to",
                        () -> history.of(root, iova, 0));
            }
        }

        private void checkRemoved(int requester, long root, long iova, long asOf, long begun) {
            BelievedTables tree = trees.find(root);
            long removed = tree == null ? 0 : tree.removedAt(iova);
            if (tree == null || removed <= asOf || !tree.isForgotten(iova, removed, begun)) {
                return;
            }
            int cause = Moments.causeOf(asOf);
            if (cause != Moments.RETURNED) {
                findings.add(
                        ruleOf(cause),
                        text(requester, iova, "uses a translation as of " + asOf)
                                + ", which software had unmapped at "
                                + removed
                                + " and invalidated",
                        () -> history.of(root, iova, 0));
            }
        }

        @Override
        public void blocked(
                int requester, long root, long iova, boolean write, int code, long begun) {
            BelievedTables tree = trees.find(root);
            long since = tree == null ? 0 : tree.mappedSince(iova);
            if (tree == null
                    || since == 0
                    || since > begun
                    || code == OUTPUT_IN_INTERRUPT_RANGE
                    || iova >>> INTERRUPT_SHIFT == INTERRUPTS
                    || !isUsable(tree, iova, since, begun)
                    || (entries.access(tree, iova) & (write ? 2 : 1)) == 0
                    || tree.mappedSince(iova) != since) {
                return;
            }
            long old = strands.get().oldSince(begun);
            int cause = Moments.causeOf(old);
            boolean mayBeOld = cause == Moments.UNLINKED && !tree.isForgotten(iova, old, begun);
            if (!mayBeOld && cause != Moments.RETURNED) {
                foundBlocked(requester, root, iova, code, since, cause);
            }
        }

        /** Whether hardware must know by then that an address is mapped. */
        private boolean isUsable(BelievedTables tree, long iova, long since, long begun) {
            long removed = tree.removedAt(iova);
            if (removed != 0 && !tree.isForgotten(iova, removed, begun)
                    || cachingMode && !tree.isForgotten(iova, since, begun)) {
                return false;
            }
            long flush = moments.lastFlush();
            return !buffersWrites || since < flush && flush <= begun;
        }

        private void foundBlocked(
                int requester, long root, long iova, int code, long since, int cause) {
            long page = cause == 0 ? 0 : strands.get().oldPage();
            findings.add(
                    cause == 0 ? (cachingMode ? "G5" : "S1") : ruleOf(cause),
                    text(requester, iova, "faults with 0x" + Integer.toHexString(code))
                            + ", though mapped since "
                            + since,
                    () -> history.of(root, iova, page));
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
            findings.add(
                    "G1",
                    "a walk in tables at 0x"
                            + Long.toHexString(root)
                            + " goes through the page at 0x"
                            + Long.toHexString(page)
                            + (recycled
                                    ? ", which was linked elsewhere at " + life.linked()
                                    : ", which was returned at " + life.since()),
                    () -> history.of(root, -1, page));
        }

        private void foundUnwritten(long root, long address) {
            findings.add(
                    "S7",
                    "a walk in tables at 0x"
                            + Long.toHexString(root)
                            + " reads the word at 0x"
                            + Long.toHexString(address)
                            + ", whose line was stored to before its table was linked and never"
                            + " written back",
                    () -> history.of(root, -1, address & -PhysicalMemory.PAGE_SIZE));
        }

        private String text(int requester, long iova, String does) {
            return "device 0x"
                    + Integer.toHexString(requester)
                    + ", at 0x"
                    + Long.toHexString(iova)
                    + ", "
                    + does;
        }

        @Override
        public void invalidated(String what) {
            history.everywhere(moments.tick(), what);
        }
    }
}
