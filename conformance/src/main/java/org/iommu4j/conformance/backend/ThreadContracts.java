package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.conformance.Contract;

/** T: threads. */
final class ThreadContracts {

    private static final int THREADS = 3;
    private static final int CALLS = 300;

    /* A page in so many is a thread's own; the last of them is nobody's, and stays. */
    private static final int OWNERS = THREADS + 1;
    private static final int PAGES = 8 * OWNERS;
    private static final long LONG_MILLIS = 2000;

    private ThreadContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.T1,
                        "threads that each own pages of the same tables find only their own doing, and"
                                + " what nobody touches stays",
                        ThreadContracts::disjointRangesAreUndisturbed),
                must(
                        Rule.T2,
                        "after calls of several threads on one range, every byte and page is accounted"
                                + " for",
                        ThreadContracts::everythingIsAccountedFor),
                must(
                        Rule.T3,
                        "while one thread waits for the unit, others map and unmap beside it",
                        ThreadContracts::nobodyWaitsForAnothersWait),
                Contract.untestable(
                        Rule.T3.name(),
                        "every wait for the unit is bounded",
                        "no machine has to offer a unit that stands still"));
    }

    private static void join(Trial trial, List<Rival> rivals) {
        rivals.forEach(rival -> rival.join(trial.evidence));
    }

    private static void disjointRangesAreUndisturbed(Trial trial) {
        NotedDomain domain = trial.domain();
        long page = trial.page();
        long size = trial.sizes().size() > 1 ? trial.large() : 512 * page;
        long leaf = trial.place();
        domain.map(leaf, trial.output(), 2 * size, Access.READ);
        long skip = size - PAGES / 2 * page;
        List<Rival> rivals = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            int owner = i;
            long seed = trial.random.nextLong();
            rivals.add(
                    Rival.starts(
                            "thread " + i,
                            () ->
                                    useOwnPages(
                                            trial,
                                            domain,
                                            leaf + skip,
                                            trial.output() + skip,
                                            owner,
                                            seed)));
        }
        Runnable watch = () -> watchUntouched(trial, domain, leaf + skip, trial.output() + skip);
        rivals.forEach(rival -> rival.join(trial.evidence, watch));
    }

    private static void watchUntouched(Trial trial, NotedDomain domain, long base, long outputs) {
        for (int index = THREADS; index < PAGES; index += OWNERS) {
            long skip = index * trial.page();
            requirePage(trial, domain, "a page nobody touches", base + skip, outputs + skip);
        }
    }

    /** Unmaps and maps pages of which the number leaves a certain rest. */
    private static void useOwnPages(
            Trial trial, NotedDomain domain, long base, long outputs, int owner, long seed) {
        Random random = new Random(seed);
        long page = trial.page();
        boolean[] unmapped = new boolean[PAGES];
        for (int i = 0; i < CALLS; i++) {
            int index = random.nextInt(PAGES / OWNERS) * OWNERS + owner;
            long iova = base + index * page;
            long output = outputs + index * page;
            if (unmapped[index]) {
                domain.itself().map(iova, output, page, Access.READ);
            } else {
                long bytes = domain.itself().unmap(iova, page);
                trial.evidence.require(
                        bytes == page,
                        () ->
                                "a thread unmapped its own page at "
                                        + Hex.of(iova)
                                        + ", and was told of "
                                        + Hex.of(bytes)
                                        + " bytes");
            }
            unmapped[index] = !unmapped[index];
            for (int own = owner; own < PAGES; own += OWNERS) {
                long expected = unmapped[own] ? -1 : outputs + own * page;
                requirePage(trial, domain, "a thread's own page", base + own * page, expected);
            }
        }
    }

    private static void requirePage(
            Trial trial, NotedDomain domain, String whose, long iova, long expected) {
        long found = domain.translate(iova);
        trial.evidence.require(
                found == expected,
                () ->
                        whose
                                + " at "
                                + Hex.of(iova)
                                + " should "
                                + (expected == -1
                                        ? "be unmapped"
                                        : "translate to " + Hex.of(expected))
                                + ", and is "
                                + (found == -1 ? "not mapped" : "at " + Hex.of(found))
                                + " while threads use the pages beside it");
    }

    private static void everythingIsAccountedFor(Trial trial) {
        NotedDomain domain = trial.domain();
        long page = trial.page();
        long size = trial.sizes().size() > 1 ? trial.large() : 512 * page;
        long base = trial.place();
        int before = trial.pages().count();
        AtomicLong mapped = new AtomicLong();
        List<Rival> rivals = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            long seed = trial.random.nextLong();
            rivals.add(
                    Rival.starts(
                            "thread " + i,
                            () -> mapAndUnmap(trial, domain, base, size, mapped, seed)));
        }
        trial.pages().leave(6);
        join(trial, rivals);
        trial.pages().leaveAll();
        long said = domain.itself().statistics().mappedBytes();
        long told = domain.leaves(base, 2 * size).stream().mapToLong(leaf -> leaf.size()).sum();
        trial.evidence.require(
                said == mapped.get() && told == said,
                () ->
                        "threads mapped and unmapped; by their results "
                                + Hex.of(mapped.get())
                                + " bytes are mapped, by the statistics "
                                + Hex.of(said)
                                + ", by mappings "
                                + Hex.of(told));
        domain.unmap(base, 2 * size);
        domain.itself().trim();
        int after = trial.pages().count();
        trial.evidence.require(
                after <= before && domain.itself().statistics().mappedBytes() == 0,
                () ->
                        "after everything was unmapped and trimmed "
                                + after
                                + " pages are taken, and "
                                + before
                                + " were before; the statistics are "
                                + domain.itself().statistics());
    }

    private static void mapAndUnmap(
            Trial trial, NotedDomain domain, long base, long size, AtomicLong mapped, long seed) {
        Random random = new Random(seed);
        long page = trial.page();
        IotlbGather gather = domain.gather();
        for (int i = 0; i < CALLS; i++) {
            long bytes = random.nextInt(4) == 0 ? size : (1 + random.nextInt(8)) * page;
            long iova = base + random.nextLong((2 * size - bytes) / page + 1) * page;
            iova = bytes == size ? iova & -size : iova;
            try {
                if (random.nextBoolean()) {
                    if (domain.itself().tryMap(iova, trial.output(), bytes, Access.READ, gather)) {
                        mapped.addAndGet(bytes);
                    }
                } else {
                    mapped.addAndGet(-domain.itself().unmap(iova, bytes, gather));
                }
            } catch (TableMemoryExhaustedException e) {
                domain.itself().sync(gather).await();
            }
        }
        domain.itself().sync(gather).await();
    }

    private static void nobodyWaitsForAnothersWait(Trial trial) throws InterruptedException {
        NotedDomain domain = trial.domain();
        FlushRecord flushes = trial.flushes();
        long page = trial.page();
        long base = trial.place();
        domain.map(base, trial.output(), 8 * page, Access.READ);
        CountDownLatch waiting = new CountDownLatch(1);
        CountDownLatch answered = new CountDownLatch(1);
        flushes.before(() -> {
            waiting.countDown();
            await(answered);
        });
        Rival waits = Rival.starts("an unmap that waits", () -> domain.unmap(base, page));
        boolean began = waiting.await(LONG_MILLIS, TimeUnit.MILLISECONDS);
        Rival works =
                Rival.starts(
                        "map and unmap beside a thread that waits for the unit",
                        () -> {
                            IotlbGather gather = domain.gather();
                            domain.unmap(base + page, page, gather);
                            domain.map(base + 9 * page, trial.output(), page, Access.READ, gather);
                            domain.cut(base + 3 * page, page, gather);
                        });
        boolean done = works.isDoneWithin(LONG_MILLIS);
        flushes.before(() -> {});
        answered.countDown();
        waits.join(trial.evidence);
        works.join(trial.evidence);
        trial.evidence.require(began, () -> "an unmap without a gather did not sync");
        trial.evidence.require(
                done,
                () ->
                        "map, unmap and cut with a gather did not return while another thread's unmap"
                                + " waited for the unit: a guard is held over the wait");
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
