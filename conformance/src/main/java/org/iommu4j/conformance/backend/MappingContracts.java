package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;
import static org.iommu4j.conformance.backend.TrialContract.should;

import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.MappingConflictException;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.conformance.Contract;
import org.jspecify.annotations.Nullable;

/** M: mapping. */
final class MappingContracts {

    private static final int RANDOM_CALLS = 60;

    private MappingContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.M1,
                        "what random calls leave mapped translates, byte for byte, and nothing else"
                                + " does",
                        MappingContracts::randomCallsLeaveWhatTheyShould),
                must(
                        Rule.M1,
                        "devices reach the memory behind each mapped page, and no other",
                        MappingContracts::devicesReachWhatIsMapped),
                must(
                        Rule.M2,
                        "a map over a part of anything mapped names it and changes nothing",
                        MappingContracts::conflictsChangeNothing),
                should(
                        Rule.M3,
                        "leaves are as large as addresses and size allow",
                        MappingContracts::leavesAreLarge),
                must(
                        Rule.M4,
                        "whichever table page is missing, a map changes nothing and keeps no page",
                        MappingContracts::exhaustionChangesNothing),
                should(
                        Rule.M5,
                        "a large leaf takes the place of tables that are empty",
                        MappingContracts::emptyTablesGiveWay));
    }

    private static void randomCallsLeaveWhatTheyShould(Trial trial) {
        NotedDomain domain = trial.domain();
        @Nullable UnitTables tables = trial.readable(domain);
        long base = trial.place();
        long large = trial.sizes().size() > 1 ? trial.large() : 512 * trial.page();
        Expectation expected = new Expectation(trial, domain, tables, base, 4 * large);
        RandomCalls calls = new RandomCalls(trial, domain, expected, base, 4 * large);
        for (int i = 0; i < RANDOM_CALLS; i++) {
            calls.next();
        }
        expected.check("after " + RANDOM_CALLS + " calls");
        for (long outside : new long[] {base - 8, base + 4 * large, 1L << 62, -8}) {
            trial.evidence.require(
                    domain.translate(outside) == -1,
                    () ->
                            Hex.of(outside)
                                    + " was never mapped and translates to "
                                    + Hex.of(domain.translate(outside)));
        }
    }

    private static void devicesReachWhatIsMapped(Trial trial) {
        Bus bus = trial.bus();
        long page = trial.page();
        long frames = bus.frames(16 * page);
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        long base = trial.place();
        for (int i = 0; i < 16; i++) {
            bus.poke(frames + i * page + 8, 0x1000 + i);
        }
        for (int i = 0; i < 16; i += 2) {
            domain.map(base + i * page, frames + (i * 5 & 15) * page, page, Access.READ_WRITE);
        }
        for (int i = 0; i < 16; i += 2) {
            int frame = i * 5 & 15;
            bus.requireRead(0, base + i * page + 8, 0x1000 + frame, "which is mapped");
            bus.requireBlocked(0, base + (i + 1) * page + 8, "which was never mapped");
            bus.write(0, base + i * page + 16, 0x77);
            trial.evidence.require(
                    bus.peek(frames + frame * page + 16) == 0x77,
                    () -> "a word written by DMA is not in " + Hex.of(frames + frame * page + 16));
        }
    }

    private static void conflictsChangeNothing(Trial trial) {
        NotedDomain domain = trial.domain();
        @Nullable UnitTables tables = trial.readable(domain);
        IotlbGather gather = domain.gather();
        for (long size : trial.sizes()) {
            long base = trial.place();
            long there = base + size;
            domain.map(there, trial.output(), size, Access.READ);
            long page = trial.page();
            long[][] refused = {
                {base, 3 * size},
                {there, page},
                {there + size - page, 2 * page},
                {base, size + page}
            };
            for (long[] range : refused) {
                Picture before = Picture.of(trial, domain, tables, gather, base, 4 * size);
                long output = trial.output() + (8L << 20);
                MappingConflictException e =
                        Refusal.of(
                                MappingConflictException.class,
                                "a map of "
                                        + Hex.range(range[0], range[1])
                                        + ", of which a part is mapped,",
                                trial.evidence,
                                () -> domain.map(range[0], output, range[1], Access.READ_WRITE));
                trial.evidence.require(
                        e.existing().iova() == there,
                        () -> "the first mapping in the way is at " + Hex.of(there) + ", not " + e);
                trial.evidence.require(
                        !domain.tryMap(range[0], output, range[1], Access.READ, gather),
                        () -> "tryMap should be false for " + Hex.range(range[0], range[1]));
                before.requireSame("after a refused map of " + Hex.range(range[0], range[1]));
            }
        }
    }

    private static void leavesAreLarge(Trial trial) {
        NotedDomain domain = trial.domain();
        long page = trial.page();
        for (long size : trial.largeSizes()) {
            long base = trial.place();
            long start = base + size - 3 * page;
            long bytes = 2 * size + 5 * page;
            domain.map(start, trial.output() + size - 3 * page, bytes, Access.READ);
            requireLargest(trial, domain, start, bytes, 0);
        }
        long skewed = trial.place();
        domain.map(skewed, trial.output() + page, trial.large(), Access.READ);
        requireLargest(trial, domain, skewed, trial.large(), page);
        NotedDomain small = trial.domain(DomainOptions.defaults().withPageSizes(page));
        long base = trial.place();
        small.map(base, trial.output(), trial.large(), Access.READ);
        trial.evidence.require(
                small.leafSize(base) == page,
                () ->
                        "a domain of "
                                + Hex.of(page)
                                + " pages has "
                                + small.itself().mappingAt(base));
    }

    /** Each leaf must be as large as it could be at its address. */
    private static void requireLargest(
            Trial trial, NotedDomain domain, long iova, long bytes, long skew) {
        for (Mapping leaf : domain.leaves(iova, bytes)) {
            long best = trial.page();
            for (long size : trial.sizes()) {
                boolean fits =
                        (leaf.iova() & size - 1) == 0
                                && (leaf.outputAddress() & size - 1) == 0
                                && leaf.iova() + size <= iova + bytes;
                best = fits ? size : best;
            }
            long largest = best;
            trial.evidence.require(
                    leaf.size() == largest,
                    () ->
                            leaf
                                    + " could be of "
                                    + Hex.of(largest)
                                    + " bytes (skew "
                                    + Hex.of(skew)
                                    + ")");
        }
    }

    private static void exhaustionChangesNothing(Trial trial) {
        NotedDomain domain = trial.domain();
        @Nullable UnitTables tables = trial.readable(domain);
        long page = trial.page();
        long span = trial.sizes().size() > 1 ? trial.large() : 512 * page;
        long iova = trial.place() + span - page;
        long output = trial.output() + page;
        domain.itself().trim();
        int before = trial.pages().count();
        domain.map(iova, output, span + 2 * page, Access.READ);
        int needed = trial.pages().count() - before;
        trial.evidence.note("that took " + needed + " pages");
        domain.unmap(iova, span + 2 * page);
        domain.itself().trim();
        for (int left = 0; left < needed; left++) {
            IotlbGather gather = domain.gather();
            Picture picture =
                    Picture.of(trial, domain, tables, gather, iova + page - span, 3 * span);
            trial.pages().leave(left);
            String what = "a map that needs " + needed + " pages where " + left + " are left";
            Refusal.of(
                    TableMemoryExhaustedException.class,
                    what,
                    trial.evidence,
                    () -> domain.map(iova, output, span + 2 * page, Access.READ, gather));
            trial.pages().leaveAll();
            picture.requireSame("after " + what);
        }
        domain.map(iova, output, span + 2 * page, Access.READ);
    }

    private static void emptyTablesGiveWay(Trial trial) {
        NotedDomain domain = trial.domain();
        for (long size : trial.largeSizes()) {
            long base = trial.place();
            for (int i = 0; i < 3; i++) {
                long at = base + random(trial, size);
                domain.map(at, trial.output(), trial.page(), Access.READ);
                domain.unmap(at, trial.page());
            }
            domain.map(base, trial.output(), size, Access.READ);
            trial.evidence.require(
                    domain.leafSize(base) == size,
                    () ->
                            "where nothing is mapped any more, a map of "
                                    + Hex.of(size)
                                    + " bytes made a leaf of "
                                    + Hex.of(domain.leafSize(base)));
        }
    }

    private static long random(Trial trial, long size) {
        return trial.random.nextLong(size / trial.page()) * trial.page();
    }
}
