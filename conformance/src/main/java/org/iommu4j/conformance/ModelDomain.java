package org.iommu4j.conformance;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.machine.PageList;

/**
 * A domain that hands changes to a policy, and holds what the policy does with them against what
 * the unit was asked. Any thread may use it.
 */
final class ModelDomain implements IotlbGather.Owner {

    /** The leaves in [from, to), each of a size, and one table page. */
    private static final class Change {
        final long from;
        final long to;
        final long leaf;
        final boolean structure;
        final long page;
        int since = Integer.MAX_VALUE;

        Change(long from, long to, long leaf, boolean structure, long page) {
            this.from = from;
            this.to = to;
            this.leaf = leaf;
            this.structure = structure;
            this.page = page;
        }

        @Override
        public String toString() {
            return "[0x" + Long.toHexString(from) + ", 0x" + Long.toHexString(to) + ")";
        }
    }

    private final int id;
    private final ModelUnit unit;
    private final List<Change> changes = new ArrayList<>();
    private final Map<IotlbGather, List<Change>> gathered = new HashMap<>();
    private final Map<Long, Change> heldPages = new HashMap<>();
    private final List<String> problems = new ArrayList<>();

    ModelDomain(int id, ModelUnit unit) {
        this.id = id;
        this.unit = unit;
    }

    IotlbGather gather() {
        return new IotlbGather(this);
    }

    /** Notes a change without a change of structure. */
    void unmap(IotlbGather gather, long from, long size, long leaf) {
        change(gather, new Change(from, from + size, leaf, false, -1));
    }

    /** Notes that a leaf was replaced by a table, or a table taken away. */
    void restructure(IotlbGather gather, long from, long leaf) {
        change(gather, new Change(from, from + leaf, leaf, true, -1));
        gather.markStructureChanged();
    }

    /** The same, and a table page waits. */
    void detach(IotlbGather gather, long from, long leaf, long page) {
        change(gather, new Change(from, from + leaf, leaf, true, page));
        gather.markStructureChanged();
        gather.addTable(page);
    }

    private synchronized void change(IotlbGather gather, Change change) {
        changes.add(change);
        if (change.page >= 0) {
            heldPages.put(change.page, change);
        }
        gathered.computeIfAbsent(gather, none -> new ArrayList<>()).add(change);
        gather.addRange(change.from, change.to - change.from, 0x1000);
    }

    /** Hands over what a gather holds. */
    FlushCompletion sync(FlushPolicy policy, IotlbGather gather) {
        int now = unit.requests();
        synchronized (this) {
            List<Change> held = gathered.getOrDefault(gather, List.of());
            held.forEach(change -> change.since = now);
            gathered.remove(gather);
        }
        return policy.sync(id, gather);
    }

    /** What the policy did wrong so far; empty if nothing. */
    synchronized List<String> problems() {
        return List.copyOf(problems);
    }

    /** How many pages have not come back. */
    synchronized int heldPages() {
        return heldPages.size();
    }

    /**
     * What is not forgotten by the hardware, or has not come back, though it should; empty if
     * nothing.
     */
    synchronized List<String> unfinished() {
        List<String> unfinished = new ArrayList<>();
        for (Change change : changes) {
            String missing = isHandedOver(change) ? missing(change) : "";
            if (!missing.isEmpty()) {
                unfinished.add(missing);
            }
        }
        heldPages.forEach((page, change) ->
                unfinished.add("page 0x" + Long.toHexString(page) + " never came back"));
        return unfinished;
    }

    /** Forgets the changes that are over with, so that a long run stays cheap. */
    synchronized void forgetChanges() {
        changes.clear();
    }

    @Override
    public FlushCompletion sync(IotlbGather gather) {
        problem("G6: the policy synced a gather itself");
        return FlushCompletion.DONE;
    }

    @Override
    public void abandoned(IotlbGather remains) {
        problem("G6: the policy dropped a gather that held something: " + remains);
    }

    @Override
    public synchronized void release(PageList pages) {
        while (!pages.isEmpty()) {
            long page = pages.removeLast();
            Change change = heldPages.remove(page);
            String hex = "page 0x" + Long.toHexString(page);
            if (change == null) {
                problem("G6: " + hex + " came back twice, or to a domain that never had it");
            } else if (!isHandedOver(change)) {
                problem("G1: " + hex + " came back before it was handed over");
            } else {
                String missing = missing(change);
                if (!missing.isEmpty()) {
                    problem("G1: " + hex + " came back too early: " + missing);
                }
            }
        }
    }

    /** What of a change the hardware may still hold; empty if nothing. */
    private String missing(Change change) {
        for (long at = change.from; at < change.to; at += change.leaf) {
            long end = at + change.leaf;
            if (!unit.hasForgotten(id, at, end, change.structure, change.since)) {
                boolean hinted = unit.hasForgotten(id, at, end, false, change.since);
                return hinted
                        ? "G3: "
                                + change
                                + " changed structure, and was invalidated only with the"
                                + " leaf-only hint"
                        : "G2: no invalidation that covers the leaf of 0x"
                                + Long.toHexString(change.leaf)
                                + " bytes at 0x"
                                + Long.toHexString(at)
                                + " had completed";
            }
        }
        return "";
    }

    private synchronized void problem(String what) {
        problems.add(what);
    }

    private static boolean isHandedOver(Change change) {
        return change.since != Integer.MAX_VALUE;
    }
}
