package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.conformance.Contract;

/** S: splits by two threads, and for a unit that does not snoop. */
final class RaceContracts {

    private static final long A_MOMENT_MILLIS = 10;

    private RaceContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.S5,
                        "a thread that comes first at any step of a split makes nobody fail",
                        RaceContracts::allWhoRaceSucceed),
                must(
                        Rule.S7,
                        "a table is written back whole before it is linked, and a call's stores before"
                                + " it returns",
                        RaceContracts::everythingIsWrittenBack),
                must(
                        Rule.S7,
                        "nobody returns having relied on a table whose link is not written back",
                        RaceContracts::nobodyReliesOnWhatIsNotWrittenBack));
    }

    private static void allWhoRaceSucceed(Trial trial) {
        trial.observed();
        trial.require(Feature.HITLESS_SPLIT);
        NotedDomain domain = trial.domain();
        long page = trial.page();
        for (long size : trial.largeSizes()) {
            long first = trial.place();
            domain.map(first, trial.output(), size, Access.READ);
            int before = trial.pages().count();
            int steps = trial.steps.count(() -> domain.unmap(first + 2 * page, page));
            int tables = trial.pages().count() - before;
            for (int step : trial.someSteps(steps)) {
                long base = trial.place();
                domain.map(base, trial.output(), size, Access.READ);
                int pages = trial.pages().count();
                race(trial, domain, base, step);
                int more = trial.pages().count() - pages;
                trial.evidence.require(
                        more == tables,
                        () ->
                                "two threads split one leaf of "
                                        + Hex.of(size)
                                        + ", the other at step "
                                        + step
                                        + ": "
                                        + more
                                        + " table pages more, where "
                                        + tables
                                        + " are needed");
                for (int at = 0; at < 8; at++) {
                    boolean gone = at == 2 || at == 5;
                    long iova = base + at * page;
                    long expected = gone ? -1 : trial.output() + at * page;
                    trial.evidence.require(
                            domain.translate(iova) == expected,
                            () ->
                                    "after two threads unmapped a page each, "
                                            + Hex.of(iova)
                                            + " translates to "
                                            + Hex.of(domain.translate(iova)));
                }
            }
        }
    }

    /** Unmaps one page of a leaf, and at a step of that another one by another thread. */
    private static void race(Trial trial, NotedDomain domain, long base, int step) {
        long page = trial.page();
        List<Rival> rivals = new ArrayList<>();
        try {
            trial.steps.at(
                    step,
                    () -> requirePage(trial, domain.unmap(base + 2 * page, page)),
                    () -> {
                        Rival rival =
                                Rival.starts(
                                        "an unmap by another thread",
                                        () ->
                                                requirePage(
                                                        trial,
                                                        domain.unmap(base + 5 * page, page)));
                        rivals.add(rival);
                        rival.isDoneWithin(A_MOMENT_MILLIS);
                    });
            rivals.forEach(rival -> rival.join(trial.evidence));
        } catch (IommuException e) {
            throw trial.evidence.broken(
                    "one of two threads that split a leaf, the other at step "
                            + step
                            + ", threw "
                            + e);
        }
    }

    private static void requirePage(Trial trial, long bytes) {
        trial.evidence.require(
                bytes == trial.page(), () -> "an unmap of a page says " + Hex.of(bytes) + " bytes");
    }

    private static void everythingIsWrittenBack(Trial trial) {
        trial.writingBack();
        UnitMemory unit = new UnitMemory(trial.memory());
        trial.steps.alsoTo(unit);
        NotedDomain domain = trial.domain();
        UnitTables tables = trial.tables(domain);
        long page = trial.page();
        requireSeen(trial, tables, unit, "the first map and unmap");
        for (long size : trial.sizes()) {
            long base = trial.place();
            IotlbGather gather = domain.gather();
            call(
                    trial,
                    tables,
                    unit,
                    "a map",
                    () -> domain.map(base, trial.output(), 2 * size, Access.READ));
            if (size > page) {
                long hole = base + size / 2;
                call(
                        trial,
                        tables,
                        unit,
                        "an unmap of a part of a leaf",
                        () -> domain.unmap(hole, page, gather));
                call(
                        trial,
                        tables,
                        unit,
                        "a map into the hole",
                        () -> domain.map(hole, trial.output(), page, Access.READ, gather));
                call(
                        trial,
                        tables,
                        unit,
                        "an unmap of parts of two leaves",
                        () -> domain.unmap(hole + 2 * page, size, gather));
                failing(trial, domain, tables, unit, size);
            }
            call(trial, tables, unit, "an unmap", () -> domain.unmap(base, 2 * size, gather));
            call(trial, tables, unit, "a sync", () -> domain.flush(gather));
        }
    }

    /** A call that fails midway must have written back what it stored, if it stored anything. */
    private static void failing(
            Trial trial, NotedDomain domain, UnitTables tables, UnitMemory unit, long size) {
        long page = trial.page();
        long base = trial.place();
        long leaf = base + size;
        domain.map(leaf - 2 * page, trial.output(), 2 * page, Access.READ);
        domain.map(leaf, trial.output(), size, Access.READ);
        trial.pages().leave(0);
        call(
                trial,
                tables,
                unit,
                "an unmap for which there are no pages",
                () -> {
                    try {
                        domain.unmap(leaf - 2 * page, size);
                    } catch (TableMemoryExhaustedException e) {
                        trial.evidence.note("as it should be");
                    }
                });
        trial.pages().leaveAll();
        domain.unmap(base, 2 * size);
    }

    private static void call(
            Trial trial, UnitTables tables, UnitMemory unit, String what, Runnable call) {
        trial.steps.during(
                call,
                (kind, address, value) -> {
                    if (kind == Steps.Kind.WRITE_BACK || !tables.format().isPresent(value)) {
                        return;
                    }
                    long page = tables.format().tableAddress(value);
                    if (trial.pages().isLent(page)
                            && tables.pages().contains(address & -trial.page())) {
                        String when = "becomes reachable at " + Hex.of(address) + " by " + what;
                        requireAllSeen(trial, tables, unit, page, when);
                    }
                });
        requireSeen(trial, tables, unit, what);
    }

    /** A table that is about to be linked, and those that it leads to. */
    private static void requireAllSeen(
            Trial trial, UnitTables tables, UnitMemory unit, long table, String when) {
        requireSeen(trial, unit, table, when);
        for (long at = table; at < table + trial.page(); at += Long.BYTES) {
            long entry = trial.memory().loadAcquire(at);
            long next = tables.format().tableAddress(entry);
            if (tables.format().isPresent(entry) && trial.pages().isLent(next)) {
                requireAllSeen(trial, tables, unit, next, when);
            }
        }
    }

    private static void requireSeen(Trial trial, UnitTables tables, UnitMemory unit, String after) {
        for (long page : tables.pages()) {
            requireSeen(trial, unit, page, "is in use after " + after);
        }
    }

    private static void requireSeen(Trial trial, UnitMemory unit, long page, String when) {
        long at = unit.unseen(page);
        trial.evidence.require(
                at < 0,
                () ->
                        "the table at "
                                + Hex.of(page)
                                + " "
                                + when
                                + ", and the word at "
                                + Hex.of(at)
                                + " was not written back: the unit sees "
                                + Hex.of(unit.load(at))
                                + " there, not "
                                + Hex.of(trial.memory().loadAcquire(at)));
    }

    private static void nobodyReliesOnWhatIsNotWrittenBack(Trial trial) {
        trial.writingBack();
        UnitMemory unit = new UnitMemory(trial.memory());
        trial.steps.alsoTo(unit);
        trial.require(Feature.HITLESS_SPLIT);
        NotedDomain domain = trial.domain();
        UnitTables tables = trial.tables(domain);
        long page = trial.page();
        for (long size : trial.largeSizes()) {
            long first = trial.place();
            domain.map(first, trial.output(), size, Access.READ);
            int steps = trial.steps.count(() -> domain.unmap(first + 2 * page, page));
            for (int step : trial.someSteps(steps)) {
                long base = trial.place();
                domain.map(base, trial.output(), size, Access.READ);
                relyAt(step, trial, domain, tables, unit, base);
            }
        }
    }

    /** If another thread has unmapped its page at a step of a split, the unit must see that. */
    private static void relyAt(
            int step,
            Trial trial,
            NotedDomain domain,
            UnitTables tables,
            UnitMemory unit,
            long base) {
        long page = trial.page();
        IotlbGather mine = domain.gather();
        IotlbGather other = domain.gather();
        List<Rival> rivals = new ArrayList<>();
        trial.steps.at(
                step,
                () -> domain.unmap(base + 2 * page, page, mine),
                () -> {
                    Rival rival =
                            Rival.starts(
                                    "an unmap by another thread",
                                    () -> domain.unmap(base + 5 * page, page, other));
                    rivals.add(rival);
                    if (rival.isDoneWithin(A_MOMENT_MILLIS)) {
                        UnitTables.Walk seen =
                                tables.new Walk(base + 5 * page, unit::load).toTheEnd();
                        trial.evidence.require(
                                !seen.found(),
                                () ->
                                        "at step "
                                                + step
                                                + " of a split another thread's unmap has returned, and a"
                                                + " unit that sees what was written back finds: "
                                                + seen);
                    }
                });
        rivals.forEach(rival -> rival.join(trial.evidence));
        domain.flush(mine);
        domain.flush(other);
    }
}
