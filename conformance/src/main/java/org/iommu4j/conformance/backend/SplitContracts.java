package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Stage;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.conformance.Contract;

/** S: what a split leaves, and what it looks like on the way. */
final class SplitContracts {

    private SplitContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.S1,
                        "at every state of memory a walk finds what stays mapped, one load a state"
                                + " too",
                        SplitContracts::walksFindWhatStays),
                must(
                        Rule.S1,
                        "a device that first uses a leaf in the middle of a split reaches the rest of"
                                + " it",
                        SplitContracts::devicesReachTheRest),
                must(
                        Rule.S2,
                        "children have the access of their leaf, accessed and dirty too",
                        SplitContracts::childrenInherit),
                must(
                        Rule.S3,
                        "every child translates to its place in the leaf, at every level",
                        SplitContracts::childrenAreOneStrideApart),
                must(
                        Rule.S4,
                        "a bit that the unit sets at any step of a split is in every child",
                        SplitContracts::noBitIsLost),
                must(
                        Rule.S6,
                        "a split that lacks one of its tables has stored nothing",
                        SplitContracts::theWholeChainIsReserved));
    }

    /** Domains of each stage that there is here. */
    private static List<DomainOptions> stages(Trial trial) {
        DomainOptions options = DomainOptions.defaults();
        List<DomainOptions> stages = new ArrayList<>();
        if (trial.capabilities().has(Feature.FIRST_STAGE)) {
            stages.add(options.withStage(Stage.FIRST));
        }
        if (trial.capabilities().has(Feature.SECOND_STAGE)) {
            stages.add(options.withStage(Stage.SECOND));
        }
        return stages.isEmpty() ? List.of(options) : stages;
    }

    private static void walksFindWhatStays(Trial trial) {
        trial.observed();
        trial.require(Feature.HITLESS_SPLIT);
        long page = trial.page();
        for (DomainOptions stage : stages(trial)) {
            NotedDomain domain = trial.domain(stage);
            UnitTables tables = trial.tables(domain);
            for (long size : trial.largeSizes()) {
                IotlbGather gather = domain.gather();
                long hole = page + trial.random.nextLong(size / page - 2) * page;
                watch(
                        trial,
                        domain,
                        tables,
                        size,
                        hole,
                        page,
                        base -> domain.unmap(base + hole, page, gather));
                watch(
                        trial,
                        domain,
                        tables,
                        size,
                        0,
                        page,
                        base -> domain.unmap(base, page, gather));
                watch(
                        trial,
                        domain,
                        tables,
                        size,
                        size / 2,
                        size,
                        base -> domain.unmap(base + size / 2, size, gather));
                watch(
                        trial,
                        domain,
                        tables,
                        size,
                        0,
                        0,
                        base -> domain.cut(base + hole, page, gather));
                watch(
                        trial,
                        domain,
                        tables,
                        size,
                        0,
                        0,
                        base -> domain.split(base, size, below(trial, size), gather));
                domain.flush(gather);
            }
        }
    }

    private static long below(Trial trial, long size) {
        return trial.sizes().get(trial.sizes().indexOf(size) - 1);
    }

    /** An operation on two leaves that were mapped for it. */
    private interface Operation {
        void on(long base);
    }

    private static void watch(
            Trial trial,
            NotedDomain domain,
            UnitTables tables,
            long size,
            long hole,
            long holeSize,
            Operation operation) {
        long page = trial.page();
        long base = trial.place();
        domain.map(base, trial.output(), 2 * size, Access.READ_WRITE);
        List<Long> stay = new ArrayList<>();
        List<Long> go = new ArrayList<>();
        List<Long> probes =
                new ArrayList<>(
                        List.of(
                                0L,
                                page,
                                size - page,
                                size,
                                2 * size - page,
                                hole,
                                hole - page,
                                hole + holeSize,
                                hole + holeSize - page));
        for (int i = 0; i < 3; i++) {
            probes.add(trial.random.nextLong(2 * size / page) * page);
        }
        for (long at : probes) {
            if (at >= 0 && at < 2 * size) {
                (at >= hole && at < hole + holeSize ? go : stay).add(base + at + 8);
            }
        }
        long output = trial.output();
        HitlessWatch watch =
                new HitlessWatch(
                        trial, tables, stay, go, iova -> output + iova - base, Access.READ_WRITE);
        trial.steps.during(() -> operation.on(base), watch);
        watch.finish();
    }

    private static void devicesReachTheRest(Trial trial) {
        trial.observed();
        trial.require(Feature.HITLESS_SPLIT);
        Bus bus = trial.bus();
        long page = trial.page();
        long large = trial.large();
        long frames = bus.frames(large);
        for (long at = 0; at < large; at += page) {
            bus.poke(frames + at, at + 1);
        }
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        long hole = page + trial.random.nextLong(large / page - 2) * page;
        long first = trial.place();
        domain.map(first, frames, large, Access.READ_WRITE);
        int steps = trial.steps.count(() -> domain.unmap(first + hole, page));
        trial.evidence.note("an unmap of a page takes " + steps + " steps");
        for (int step : trial.someSteps(steps)) {
            long base = trial.place();
            domain.map(base, frames, large, Access.READ_WRITE);
            String when = "at step " + step + " of the unmap of " + Hex.of(base + hole);
            trial.steps.at(
                    step,
                    () -> domain.unmap(base + hole, page),
                    () -> {
                        bus.requireRead(0, base + hole - page, hole - page + 1, when);
                        bus.requireRead(0, base + hole + page, hole + page + 1, when);
                    });
            bus.requireBlocked(0, base + hole, "after the unmap");
            bus.requireRead(0, base + hole + page, hole + page + 1, "after the unmap");
        }
    }

    private static void childrenInherit(Trial trial) {
        trial.require(Feature.HITLESS_SPLIT);
        for (DomainOptions stage : stages(trial)) {
            NotedDomain domain = trial.domain(stage);
            UnitTables tables = trial.tables(domain);
            for (long size : trial.largeSizes()) {
                for (Access access : LimitContracts.accesses()) {
                    inherit(trial, domain, tables, size, access);
                }
            }
        }
    }

    private static void inherit(
            Trial trial, NotedDomain domain, UnitTables tables, long size, Access access) {
        long page = trial.page();
        long base = trial.place();
        try {
            domain.itself().map(base, trial.output(), size, access);
        } catch (UnsupportedFeatureException e) {
            return;
        }
        UnitTables.Walk leaf = tables.walk(base);
        long dirty = access.writable() ? tables.format().dirtyMask() : 0;
        long bits = tables.format().accessedMask() | dirty;
        if (leaf.found()) {
            tables.setBits(leaf.entryAddress(), leaf.entry(), bits);
        }
        long hole = size / 2;
        domain.itself().unmap(base + hole, page);
        for (long at : new long[] {0, hole - page, hole + page, size - page}) {
            UnitTables.Walk child = tables.walk(base + at);
            Access said = domain.itself().mappingAt(base + at).orElseThrow().access();
            String wrong = tables.wrongTableEntry(base + at);
            trial.evidence.require(
                    wrong.isEmpty() && said.equals(access),
                    () ->
                            wrong.isEmpty()
                                    ? childOf(size, access) + "says " + said
                                    : "after a split " + wrong);
            boolean present = child.found();
            trial.evidence.require(
                    !leaf.found() || present && child.access().equals(access),
                    () -> childOf(size, access) + "is not the same in the tables: " + child);
            trial.evidence.require(
                    !leaf.found() || (child.entry() & bits) == bits,
                    () ->
                            childOf(size, access)
                                    + "has lost accessed or dirty bits "
                                    + Hex.of(bits)
                                    + ": "
                                    + child);
        }
        domain.itself().unmap(base, size);
    }

    private static String childOf(long size, Access access) {
        return "a child of a leaf of " + Hex.of(size) + " that was mapped " + access + " ";
    }

    private static void childrenAreOneStrideApart(Trial trial) {
        trial.require(Feature.HITLESS_SPLIT);
        NotedDomain domain = trial.domain();
        for (long size : trial.largeSizes()) {
            long base = trial.place();
            domain.map(base, trial.output(), size, Access.READ);
            IotlbGather gather = domain.gather();
            domain.cut(base + size / 2, trial.page(), gather);
            domain.flush(gather);
            for (long child = trial.page(); child < size; child = above(trial, child)) {
                long around = Math.max(0, size / 2 - 256 * child);
                for (int i = 0; i < 512 && around + i * child < size; i++) {
                    long at = around + i * child;
                    trial.evidence.require(
                            domain.translate(base + at) == trial.output() + at,
                            () ->
                                    "after a leaf of "
                                            + Hex.of(size)
                                            + " was cut, "
                                            + Hex.of(base + at)
                                            + " translates to "
                                            + Hex.of(domain.translate(base + at))
                                            + ", not to "
                                            + Hex.of(trial.output() + at));
                }
            }
        }
    }

    private static long above(Trial trial, long size) {
        int index = trial.sizes().indexOf(size) + 1;
        return index < trial.sizes().size() ? trial.sizes().get(index) : Long.MAX_VALUE;
    }

    private static void noBitIsLost(Trial trial) {
        trial.observed();
        trial.require(Feature.HITLESS_SPLIT);
        NotedDomain domain = trial.domain();
        UnitTables tables = trial.tables(domain);
        long bits = tables.format().accessedMask() | tables.format().dirtyMask();
        if (bits == 0) {
            throw trial.evidence.skip("a unit sets no bits in tables of " + tables.format());
        }
        long page = trial.page();
        for (long size : trial.largeSizes()) {
            long first = trial.place();
            domain.map(first, trial.output(), size, Access.READ_WRITE);
            int steps = trial.steps.count(() -> domain.unmap(first + page, page));
            for (int step : trial.someSteps(steps)) {
                long base = trial.place();
                domain.map(base, trial.output(), size, Access.READ_WRITE);
                tables.clearBits(tables.walk(base), bits);
                boolean[] set = new boolean[1];
                trial.steps.at(
                        step,
                        () -> domain.unmap(base + page, page),
                        () -> {
                            UnitTables.Walk leaf = tables.walk(base);
                            set[0] =
                                    leaf.found()
                                            && leaf.size() == size
                                            && tables.setBits(
                                                    leaf.entryAddress(), leaf.entry(), bits);
                        });
                if (set[0]) {
                    requireBits(trial, tables, base, size, bits, step);
                }
            }
        }
    }

    private static void requireBits(
            Trial trial, UnitTables tables, long base, long size, long bits, int step) {
        long page = trial.page();
        for (long at : new long[] {0, 2 * page, size / 2, size - page}) {
            UnitTables.Walk child = tables.walk(base + at);
            trial.evidence.require(
                    (child.entry() & bits) == bits,
                    () ->
                            "the unit set the bits "
                                    + Hex.of(bits)
                                    + " in the leaf at step "
                                    + step
                                    + " of a split, and they are lost: "
                                    + child);
        }
    }

    private static void theWholeChainIsReserved(Trial trial) {
        trial.observed();
        trial.require(Feature.HITLESS_SPLIT);
        NotedDomain domain = trial.domain();
        UnitTables tables = trial.tables(domain);
        for (long size : trial.largeSizes()) {
            boolean enough = false;
            for (int left = 0; !enough; left++) {
                trial.evidence.require(left <= 8, () -> "8 pages are not enough for one split");
                long base = trial.place();
                domain.map(base, trial.output(), size, Access.READ);
                enough = splitsWith(left, trial, domain, tables, base, size);
            }
        }
    }

    private static boolean splitsWith(
            int left, Trial trial, NotedDomain domain, UnitTables tables, long base, long size) {
        IotlbGather gather = domain.gather();
        long hole = base + size / 2;
        Picture before = Picture.of(trial, domain, tables, gather, base, size);
        var visible = tables.pages();
        trial.pages().leave(left);
        boolean[] stored = new boolean[1];
        try {
            trial.steps.during(
                    () -> domain.unmap(hole, trial.page(), gather),
                    (kind, address, value) ->
                            stored[0] |=
                                    kind != Steps.Kind.WRITE_BACK
                                            && visible.contains(address & -4096L));
        } catch (TableMemoryExhaustedException e) {
            trial.pages().leaveAll();
            String when =
                    "where " + left + " pages were left, a split of " + Hex.of(size) + " failed";
            before.requireSame(when);
            trial.evidence.require(!stored[0], () -> when + " after it had stored to live tables");
            return false;
        } finally {
            trial.pages().leaveAll();
        }
        domain.flush(gather);
        return true;
    }
}
