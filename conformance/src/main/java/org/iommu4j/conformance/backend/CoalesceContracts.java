package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.iommu4j.api.Access;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.conformance.Contract;
import org.jspecify.annotations.Nullable;

/** C: coalesce. */
final class CoalesceContracts {

    private static final long A_MOMENT_MILLIS = 10;

    private CoalesceContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.C1,
                        "while a table becomes a leaf, a walk finds all of it, at every state of"
                                + " memory",
                        CoalesceContracts::walksFindEverything),
                must(
                        Rule.C2,
                        "children that differ in access or place, or are missing, are left alone",
                        CoalesceContracts::differentChildrenStay),
                must(
                        Rule.C2,
                        "a child that another thread unmaps meanwhile does not come back",
                        CoalesceContracts::noChildComesBack),
                must(
                        Rule.C3,
                        "a leaf is dirty when one of its children was, whenever it became so",
                        CoalesceContracts::dirtIsKept),
                must(
                        Rule.C4,
                        "the table that was replaced comes back when its invalidation has completed",
                        CoalesceContracts::theTableWaits));
    }

    /** A leaf that was cut in pieces, all of them there. */
    private static long splitLeaf(Trial trial, NotedDomain domain, long size) {
        long base = trial.place();
        domain.map(base, trial.output(), size, Access.READ_WRITE);
        IotlbGather gather = domain.gather();
        domain.cut(base + size / 2, trial.page(), gather);
        domain.flush(gather);
        return base;
    }

    private static void requireLeaf(Trial trial, NotedDomain domain, long base, long size) {
        trial.evidence.require(
                domain.leafSize(base) == size,
                () ->
                        "the children of a leaf of "
                                + Hex.of(size)
                                + " are equal and contiguous, and coalesce left leaves of "
                                + Hex.of(domain.leafSize(base)));
    }

    private static void walksFindEverything(Trial trial) {
        trial.observed();
        trial.require(Feature.COALESCE);
        NotedDomain domain = trial.domain();
        UnitTables tables = trial.tables(domain);
        for (long size : trial.largeSizes()) {
            long base = splitLeaf(trial, domain, size);
            long output = trial.output();
            List<Long> stay = new ArrayList<>(List.of(base + 8, base + size - trial.page()));
            for (int i = 0; i < 4; i++) {
                stay.add(base + trial.random.nextLong(size / trial.page()) * trial.page());
            }
            HitlessWatch watch =
                    new HitlessWatch(
                            trial,
                            tables,
                            stay,
                            List.of(),
                            iova -> output + iova - base,
                            Access.READ_WRITE);
            IotlbGather gather = domain.gather();
            trial.steps.during(() -> domain.coalesce(base, size, gather), watch);
            watch.finish();
            requireLeaf(trial, domain, base, size);
            domain.flush(gather);
        }
    }

    private static void differentChildrenStay(Trial trial) {
        trial.require(Feature.COALESCE);
        NotedDomain domain = trial.domain();
        @Nullable UnitTables tables = trial.readable(domain);
        long page = trial.page();
        long size = trial.large();
        for (int kind = 0; kind < 4; kind++) {
            long base = trial.place();
            long odd = base + trial.random.nextLong(size / page) * page;
            long output = trial.output() + (kind == 3 ? page : 0);
            Expectation expected = new Expectation(trial, domain, tables, base, size);
            domain.map(base, output, size, Access.READ_WRITE);
            expected.mapped(base, output, size, Access.READ_WRITE);
            if (kind < 3) {
                domain.unmap(odd, page);
                expected.unmapped(odd, page);
            }
            if (kind == 1) {
                domain.map(odd, output + odd - base, page, Access.READ);
                expected.mapped(odd, output + odd - base, page, Access.READ);
            } else if (kind == 2) {
                domain.map(odd, output + 4 * size, page, Access.READ_WRITE);
                expected.mapped(odd, output + 4 * size, page, Access.READ_WRITE);
            }
            IotlbGather gather = domain.gather();
            domain.coalesce(base, size, gather);
            domain.flush(gather);
            expected.check("after a coalesce of children of which one is different");
        }
    }

    private static void noChildComesBack(Trial trial) {
        trial.observed();
        trial.require(Feature.COALESCE);
        NotedDomain domain = trial.domain();
        long page = trial.page();
        long size = trial.large();
        long first = splitLeaf(trial, domain, size);
        IotlbGather gather = domain.gather();
        int steps = trial.steps.count(() -> domain.coalesce(first, size, gather));
        for (int step : trial.someSteps(steps)) {
            long base = splitLeaf(trial, domain, size);
            List<Rival> rivals = new ArrayList<>();
            trial.steps.at(
                    step,
                    () -> domain.coalesce(base, size, gather),
                    () -> {
                        Rival rival =
                                Rival.starts(
                                        "an unmap by another thread",
                                        () -> domain.unmap(base + 5 * page, page));
                        rivals.add(rival);
                        rival.isDoneWithin(A_MOMENT_MILLIS);
                    });
            rivals.forEach(rival -> rival.join(trial.evidence));
            trial.evidence.require(
                    domain.translate(base + 5 * page) == -1
                            && domain.translate(base + 6 * page) == trial.output() + 6 * page,
                    () ->
                            Hex.of(base + 5 * page)
                                    + " was unmapped at step "
                                    + step
                                    + " of a coalesce, and is "
                                    + domain.itself().mappingAt(base + 5 * page)
                                    + "; beside it is "
                                    + domain.itself().mappingAt(base + 6 * page));
            domain.flush(gather);
        }
    }

    private static void dirtIsKept(Trial trial) {
        trial.observed();
        trial.require(Feature.COALESCE);
        NotedDomain domain = trial.domain();
        UnitTables tables = trial.tables(domain);
        long bits = tables.format().dirtyMask();
        if (bits == 0) {
            throw trial.evidence.skip("a unit sets no dirty bit in tables of " + tables.format());
        }
        long size = trial.large();
        long child = 5 * trial.page();
        IotlbGather gather = domain.gather();
        long before = splitLeaf(trial, domain, size);
        setBits(tables, before + child, bits);
        int steps = trial.steps.count(() -> domain.coalesce(before, size, gather));
        domain.flush(gather);
        requireDirty(trial, tables, before + child, bits, "before the coalesce");
        for (int step : trial.someSteps(steps)) {
            long base = splitLeaf(trial, domain, size);
            boolean[] set = new boolean[1];
            trial.steps.at(
                    step,
                    () -> domain.coalesce(base, size, gather),
                    () -> set[0] = setBits(tables, base + child, bits));
            domain.flush(gather);
            if (set[0]) {
                requireDirty(trial, tables, base + child, bits, "at step " + step);
            }
        }
    }

    private static boolean setBits(UnitTables tables, long iova, long bits) {
        UnitTables.Walk walk = tables.walk(iova);
        return walk.found() && tables.setBits(walk.entryAddress(), walk.entry(), bits);
    }

    private static void requireDirty(
            Trial trial, UnitTables tables, long iova, long bits, String when) {
        UnitTables.Walk walk = tables.walk(iova);
        trial.evidence.require(
                (walk.entry() & bits) == bits,
                () ->
                        Hex.of(iova)
                                + " was written to "
                                + when
                                + ", and is not dirty any more: "
                                + walk);
    }

    private static void theTableWaits(Trial trial) {
        trial.require(Feature.COALESCE);
        NotedDomain domain = trial.domain();
        FlushRecord flushes = trial.flushes();
        long size = trial.large();
        for (int i = 0; i < 3; i++) {
            long base = splitLeaf(trial, domain, size);
            Set<Long> pages = trial.pages().lent();
            IotlbGather gather = domain.gather();
            domain.coalesce(base, size, gather);
            requireLeaf(trial, domain, base, size);
            flushes.hold();
            domain.sync(gather);
            pages.forEach(page ->
                    trial.evidence.require(
                            trial.pages().isLent(page),
                            () ->
                                    "the table page "
                                            + Hex.of(page)
                                            + " was given back while the invalidation of its"
                                            + " coalesce is held up"));
            flushes.release();
            trial.evidence.require(
                    trial.pages().count() < pages.size(),
                    () -> "the table that a coalesce has replaced does not come back");
        }
    }
}
