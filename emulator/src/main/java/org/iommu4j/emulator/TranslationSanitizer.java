package org.iommu4j.emulator;

import java.util.List;
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
 *
 * A write through a translation as of < c, where the dirty bit was cleared at c, sets no bit: it is lost (D3) if the report
 * for which the bit was cleared was final when the DMA began. Until then the page is not copied, so the report covers it.
 */

/**
 * Holds what software believes of its tables against what units do with them; itself it is the half
 * that hears software. Any thread may call any method.
 */
final class TranslationSanitizer implements Witness, Sanitizer {

    private final Evidence evidence;
    private final LiveEntries entries;
    private final Audit audit;

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
        this.evidence = new Evidence(moments, options.memory(), options.tableMemory());
        this.entries = new LiveEntries(memory, evidence);
        this.audit = new UnitAudit(options, lag, evidence, entries);
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
        return evidence.findings.count();
    }

    @Override
    public List<Finding> findings() {
        return evidence.findings.findings();
    }

    @Override
    public long moment() {
        return evidence.moments.tick();
    }

    @Override
    public void tableLinked(long root, long page) {
        if (!evidence.pages.contains(page)) {
            return;
        }
        long moment = evidence.moments.tick();
        Page table = evidence.pages.of(page);
        table.link(root, moment);
        entries.linked(table);
        if (page == root) {
            evidence.trees.of(root).renew();
        }
        evidence.history.page(moment, "links a table", root, page);
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
        if (evidence.pages.contains(page)) {
            long moment = evidence.moments.tick();
            evidence.pages.of(page).end(state, root, moment);
            evidence.history.page(moment, what, root, page);
        }
    }

    @Override
    public void mapped(long root, long iova, long size) {
        long moment = evidence.moments.tick();
        evidence.trees.of(root).mapped(iova, iova + size, moment);
        evidence.history.range(moment, "has mapped", root, iova, iova + size);
    }

    @Override
    public void unmapping(long root, long iova, long size) {
        evidence.strands.get().unmapping(root, iova, iova + size);
        evidence.trees.of(root).unmapping(iova, iova + size);
        evidence.history.range(evidence.moments.tick(), "unmaps", root, iova, iova + size);
    }

    @Override
    public void unmapped(long root, long iova, long size) {
        BelievedTables tree = evidence.trees.of(root);
        long moment = evidence.moments.tick();
        long end = iova + size;
        tree.unmapped(iova, end, moment);
        evidence.recent.add(iova, end, moment);
        evidence.history.range(moment, "has unmapped", root, iova, end);
        evidence.strands.get().unmapped();
        long left = entries.stillMapped(tree, iova, end);
        if (left >= 0) {
            String rule = evidence.strands.get().hasFailed(iova, end) ? "S5" : "U1";
            evidence.findings.add(
                    rule,
                    "software says that it has unmapped 0x"
                            + Long.toHexString(left)
                            + ", and the tables map it"
                            + ("S5".equals(rule) ? "; an exchange there has failed" : ""),
                    () -> evidence.history.of(root, left, 0));
        }
    }

    @Override
    public long reporting(long root) {
        return evidence.reports.begin(root);
    }

    @Override
    public void cleaning(long root, long iova, long size, long report) {
        evidence.strands.get().cleaning(root, iova, iova + size, report);
    }

    @Override
    public void cleaned(long root, long iova, long size, long report) {
        long moment = evidence.moments.tick();
        evidence.history.range(moment, "begins to track writes of", root, iova, iova + size);
        entries.cleaned(evidence.trees.of(root), iova, iova + size, 0, moment, report);
    }

    @Override
    public void reported(long root, long report) {
        evidence.reports.isFinal(report, evidence.moments.tick(), evidence.history);
    }

    @Override
    public void invalidated(long root, long iova, long size, boolean structure, long moment) {
        long now = evidence.moments.tick();
        evidence.history.range(
                now,
                (structure ? "has invalidated, as of " : "has invalidated leaves, as of ")
                        + moment
                        + ",",
                root,
                iova,
                iova + size);
        evidence.trees.of(root).invalidated(iova, iova + size, structure, moment, now);
    }

    @Override
    public void attaching(SourceId device, int pasid, long root) {
        evidence.attachments.attaching(device.requester(), pasid, root);
        evidence.history.everywhere(
                evidence.moments.tick(),
                "attaches " + text(device, pasid) + " to tables at 0x" + Long.toHexString(root));
    }

    @Override
    public void detached(SourceId device, int pasid, long root) {
        long moment = evidence.moments.tick();
        evidence.attachments.detached(device.requester(), pasid, root, moment);
        evidence.history.everywhere(
                moment,
                "has detached "
                        + text(device, pasid)
                        + " from tables at 0x"
                        + Long.toHexString(root));
    }

    private static String text(SourceId device, int pasid) {
        return device
                + (pasid == SourceId.NO_PASID ? "" : " with PASID 0x" + Integer.toHexString(pasid));
    }
}
