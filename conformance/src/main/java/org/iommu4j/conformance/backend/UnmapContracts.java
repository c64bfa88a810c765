package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;
import static org.iommu4j.conformance.backend.TrialContract.should;

import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.PartialUnmapException;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.conformance.Contract;
import org.jspecify.annotations.Nullable;

/** U: unmap. */
final class UnmapContracts {

    private UnmapContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.U1,
                        "a page unmapped out of a large leaf goes, its neighbours stay",
                        UnmapContracts::onePageGoes),
                must(
                        Rule.U1,
                        "devices lose that page, and nothing beside it",
                        UnmapContracts::devicesLoseOnePage),
                must(
                        Rule.U2,
                        "an unmap of a range with holes takes all that is mapped in it",
                        UnmapContracts::holesAreSkipped),
                must(
                        Rule.U3,
                        "a leaf that is covered in part is split, makes the call throw, or goes"
                                + " whole, as was asked for",
                        UnmapContracts::partsAreTreatedAsAskedFor),
                must(
                        Rule.U4,
                        "whichever table page is missing, an unmap changes nothing and says so",
                        UnmapContracts::exhaustionChangesNothing),
                should(
                        Rule.U5,
                        "tables that were emptied page by page are given back",
                        UnmapContracts::emptiedTablesAreGivenBack),
                should(
                        Rule.U5,
                        "no more empty tables stay than were asked for",
                        UnmapContracts::fewEmptyTablesStay),
                must(
                        Rule.U6,
                        "a range as long as a leaf that covers halves of two is exact",
                        UnmapContracts::halvesOfTwoLeavesGo),
                must(
                        Rule.U6,
                        "ranges over leaves of several sizes are exact",
                        UnmapContracts::severalSizesAreStraddled));
    }

    private static void onePageGoes(Trial trial) {
        NotedDomain domain = trial.domain();
        @Nullable UnitTables tables = trial.readable(domain);
        long page = trial.page();
        for (long size : trial.largeSizes()) {
            long window = Math.min(size, 1024 * page);
            for (long hole : new long[] {0, size / 2, size - page, random(trial, size)}) {
                long base = trial.place();
                domain.map(base, trial.output(), size, Access.READ_WRITE);
                long at = Math.min(Math.max(0, hole - window / 2), size - window);
                Expectation expected = new Expectation(trial, domain, tables, base + at, window);
                expected.mapped(base + at, trial.output() + at, window, Access.READ_WRITE);
                expected.unmapped(base + hole, page);
                requireBytes(trial, page, domain.unmap(base + hole, page), "one page of a leaf");
                expected.check("after one page of " + Hex.of(size) + " bytes was unmapped");
                requireBytes(trial, 0, domain.unmap(base + hole, page), "a page that is gone");
                requireBytes(trial, size - page, domain.unmap(base, size), "the rest of the leaf");
            }
        }
    }

    private static void devicesLoseOnePage(Trial trial) {
        Bus bus = trial.bus();
        long page = trial.page();
        long large = trial.large();
        long frames = bus.frames(large);
        for (long at = 0; at < large; at += page) {
            bus.poke(frames + at, at + 1);
        }
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        for (int i = 0; i < 6; i++) {
            long base = trial.place();
            long hole = page + trial.random.nextLong(large / page - 2) * page;
            domain.map(base, frames, large, Access.READ_WRITE);
            if (i % 2 == 0) {
                bus.requireRead(0, base + hole, hole + 1, "before it is unmapped");
            }
            domain.unmap(base + hole, page);
            bus.requireBlocked(0, base + hole, "which was unmapped");
            bus.requireRead(0, base + hole - page, hole - page + 1, "below what was unmapped");
            bus.requireRead(0, base + hole + page, hole + page + 1, "above what was unmapped");
            domain.unmap(base, large);
            bus.requireBlocked(0, base + hole + page, "which was unmapped");
        }
    }

    private static void holesAreSkipped(Trial trial) {
        NotedDomain domain = trial.domain();
        @Nullable UnitTables tables = trial.readable(domain);
        long page = trial.page();
        long base = trial.place();
        long size = 600 * page;
        Expectation expected = new Expectation(trial, domain, tables, base, size);
        long mapped = 0;
        for (int i = 0; i < 60; i++) {
            long at = base + i * (10 * page);
            domain.map(at, trial.output() + i * page, page, Access.READ);
            expected.mapped(at, trial.output() + i * page, page, Access.READ);
            mapped += page;
        }
        expected.check("after every tenth page was mapped");
        requireBytes(
                trial, page, domain.unmap(base + page, 14 * page), "a range with a hole before");
        expected.unmapped(base + page, 14 * page);
        expected.check("after that");
        requireBytes(trial, mapped - page, domain.unmap(base, size), "a range with holes");
        expected.unmapped(base, size);
        expected.check("after everything was unmapped");
        long end = (1L << trial.width()) - page;
        NotedDomain wide = trial.domain(DomainOptions.defaults().withAddressWidth(trial.width()));
        wide.map(0, trial.output(), page, Access.READ);
        wide.map(end, trial.output(), page, Access.READ);
        requireBytes(trial, 2 * page, wide.unmap(0, end + page), "the whole width");
    }

    private static void partsAreTreatedAsAskedFor(Trial trial) {
        long page = trial.page();
        for (long size : trial.largeSizes()) {
            for (PartialUnmap mode : PartialUnmap.values()) {
                NotedDomain domain = trial.domain(DomainOptions.defaults().withPartialUnmap(mode));
                long base = trial.place();
                domain.map(base, trial.output(), 2 * size, Access.READ);
                IotlbGather gather = domain.gather();
                long from = base + size - page;
                switch (mode) {
                    case SPLIT -> {
                        requireBytes(
                                trial, 2 * page, domain.unmap(from, 2 * page, gather), "SPLIT");
                        requireMapped(trial, domain, base, true);
                        requireMapped(trial, domain, from, false);
                    }
                    case REJECT -> {
                        Picture before = Picture.of(trial, domain, null, gather, base, 2 * size);
                        Refusal.of(
                                PartialUnmapException.class,
                                "an unmap of parts of leaves, with REJECT,",
                                trial.evidence,
                                () -> domain.unmap(from, 2 * page, gather));
                        before.requireSame("after an unmap that REJECT refused");
                        requireBytes(trial, size, domain.unmap(base, size, gather), "a whole leaf");
                    }
                    case WIDEN -> {
                        requireBytes(
                                trial, 2 * size, domain.unmap(from, 2 * page, gather), "WIDEN");
                        requireMapped(trial, domain, base, false);
                        requireMapped(trial, domain, base + 2 * size - page, false);
                        trial.evidence.require(
                                gather.start() <= base && base + 2 * size <= gather.end(),
                                () ->
                                        "WIDEN took both leaves, and the gather holds only "
                                                + gather);
                    }
                }
                domain.flush(gather);
                domain.close();
            }
        }
    }

    private static void exhaustionChangesNothing(Trial trial) {
        NotedDomain domain = trial.domain();
        @Nullable UnitTables tables = trial.readable(domain);
        for (long size : trial.largeSizes()) {
            boolean enough = false;
            for (int left = 0; !enough; left++) {
                trial.evidence.require(left <= 16, () -> "16 pages are not enough to split two");
                long base = trial.place();
                domain.map(base, trial.output(), 2 * size, Access.READ);
                enough = unmapWith(left, trial, domain, tables, base, size);
                domain.unmap(base, 2 * size);
            }
        }
    }

    /** Unmaps the parts of two leaves; returns true if the pages that are left were enough. */
    private static boolean unmapWith(
            int left,
            Trial trial,
            NotedDomain domain,
            @Nullable UnitTables tables,
            long base,
            long size) {
        long from = base + size / 2 + trial.page();
        IotlbGather gather = domain.gather();
        Picture before = Picture.of(trial, domain, tables, gather, base, 2 * size);
        trial.pages().leave(left);
        try {
            requireBytes(trial, size, domain.unmap(from, size, gather), "parts of two leaves");
        } catch (TableMemoryExhaustedException e) {
            trial.pages().leaveAll();
            before.requireSame(
                    "after an unmap of "
                            + Hex.range(from, size)
                            + " failed, where "
                            + left
                            + " pages were left");
            return false;
        } finally {
            trial.pages().leaveAll();
        }
        requireMapped(trial, domain, from, false);
        requireMapped(trial, domain, from + size - trial.page(), false);
        domain.flush(gather);
        return true;
    }

    private static void emptiedTablesAreGivenBack(Trial trial) {
        NotedDomain domain = trial.domain(DomainOptions.defaults().withEmptyTables(0));
        long page = trial.page();
        long large = trial.large();
        long base = trial.place();
        int before = trial.pages().count();
        long tables = domain.itself().statistics().tablePages();
        for (int round = 0; round < 3; round++) {
            domain.map(base, trial.output(), large, Access.READ);
            for (long at = large - page; at >= 0; at -= page) {
                domain.itself().unmap(base + at, page);
            }
            int left = trial.pages().count() - before;
            trial.evidence.require(
                    left == 0 && domain.itself().statistics().tablePages() == tables,
                    () ->
                            "a leaf was unmapped page by page, and "
                                    + left
                                    + " table pages stay, though no empty table was to be kept");
        }
    }

    private static void fewEmptyTablesStay(Trial trial) {
        int allowed = 8;
        NotedDomain domain = trial.domain(DomainOptions.defaults().withEmptyTables(allowed));
        long page = trial.page();
        long large = trial.large();
        long base = trial.place();
        int before = trial.pages().count();
        for (int i = 0; i < 60; i++) {
            domain.itself().map(base + i * large, trial.output(), page, Access.READ);
            domain.itself().unmap(base + i * large, page);
        }
        int stay = trial.pages().count() - before;
        int upper = 4;
        trial.evidence.require(
                stay <= allowed + upper,
                () ->
                        stay
                                + " table pages stay after 60 tables were used and emptied, where "
                                + allowed
                                + " empty tables were allowed");
    }

    private static void halvesOfTwoLeavesGo(Trial trial) {
        NotedDomain domain = trial.domain();
        @Nullable UnitTables tables = trial.readable(domain);
        long page = trial.page();
        for (long size : trial.largeSizes()) {
            long base = trial.place();
            domain.map(base, trial.output(), 2 * size, Access.READ);
            requireBytes(trial, size, domain.unmap(base + size / 2, size), "halves of two leaves");
            for (long edge : new long[] {base + size / 2, base + size / 2 + size}) {
                long from = edge - 64 * page;
                Expectation expected = new Expectation(trial, domain, tables, from, 128 * page);
                long output = trial.output() + from - base;
                expected.mapped(from, output, 128 * page, Access.READ);
                expected.unmapped(edge == base + size / 2 ? edge : from, 64 * page);
                expected.check("after halves of two leaves of " + Hex.of(size) + " were unmapped");
            }
        }
    }

    private static void severalSizesAreStraddled(Trial trial) {
        NotedDomain domain = trial.domain();
        @Nullable UnitTables tables = trial.readable(domain);
        long page = trial.page();
        long large = trial.large();
        long base = trial.place() + 512 * page;
        for (int round = 0; round < 8; round++) {
            Expectation expected = new Expectation(trial, domain, tables, base, 4 * large);
            long pages = base + 3 * large;
            domain.map(base, trial.output(), 3 * large, Access.READ_WRITE);
            domain.map(pages, trial.output() + page, large, Access.READ);
            expected.mapped(base, trial.output(), 3 * large, Access.READ_WRITE);
            expected.mapped(pages, trial.output() + page, large, Access.READ);
            long from = base + trial.random.nextLong(3 * large / page) * page;
            long size = page + trial.random.nextLong((base + 4 * large - from) / page) * page;
            long was = expected.unmapped(from, size);
            requireBytes(trial, was, domain.unmap(from, size), "leaves of several sizes");
            expected.check("after " + Hex.range(from, size) + " was unmapped");
            domain.unmap(base, 4 * large);
        }
    }

    private static void requireMapped(Trial trial, NotedDomain domain, long iova, boolean mapped) {
        trial.evidence.require(
                domain.translate(iova) != -1 == mapped,
                () -> Hex.of(iova) + " should " + (mapped ? "" : "not ") + "be mapped any more");
    }

    private static void requireBytes(Trial trial, long expected, long said, String what) {
        trial.evidence.require(
                said == expected,
                () -> "unmap of " + what + " says " + Hex.of(said) + ", not " + Hex.of(expected));
    }

    private static long random(Trial trial, long size) {
        return trial.random.nextLong(size / trial.page()) * trial.page();
    }
}
