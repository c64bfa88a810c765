package org.iommu4j.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushPolicyProvider;

/** What every flush policy keeps. */
public final class FlushPolicyContracts {

    private static final long K4 = 0x1000;
    private static final long M2 = 0x20_0000;
    private static final long G1 = 0x4000_0000;
    private static final int USUAL_ORDER = 18;
    private static final long SEED = 20261123;
    private static final int THREADS = 4;

    private static final List<Contract<FlushPolicyProvider>> ALL =
            List.of(
                    new Contract<>(
                            "G1",
                            "no table page comes back before an invalidation that covers it has"
                                    + " completed",
                            FlushPolicyContracts::pagesWaitForTheirInvalidation),
                    new Contract<>(
                            "G1",
                            "a wait that the unit aborted completes nothing, and a later one"
                                    + " completes everything",
                            FlushPolicyContracts::abortedWaitsCompleteNothing),
                    new Contract<>(
                            "G1",
                            "a completion is done, and its action runs once, when the hardware has"
                                    + " forgotten",
                            FlushPolicyContracts::completionsTellTheTruth),
                    new Contract<>(
                            "G2",
                            "a large leaf that was replaced is invalidated by one request that"
                                    + " covers the whole of it",
                            FlushPolicyContracts::oldLeavesAreCoveredWhole),
                    new Contract<>(
                            "G3",
                            "the leaf-only hint is not given where a non-leaf entry changed",
                            FlushPolicyContracts::structureIsNotHinted),
                    new Contract<>(
                            "G4",
                            "misaligned and disjoint ranges, and those beyond the unit's limits, are"
                                    + " covered by requests the unit takes",
                            FlushPolicyContracts::everyRangeIsCovered),
                    new Contract<>(
                            "G6",
                            "a gather is empty and reusable when sync returns, and an empty one asks"
                                    + " for nothing",
                            FlushPolicyContracts::gathersAreEmptiedAtOnce),
                    new Contract<>(
                            "G6",
                            "drain completes everything handed over: no gather is forgotten, no page"
                                    + " dropped or given back twice",
                            FlushPolicyContracts::drainCompletesEverything),
                    new Contract<>(
                            "G6",
                            "close completes everything handed over; twice is as once",
                            FlushPolicyContracts::closeCompletesEverything),
                    new Contract<>(
                            "T2",
                            "threads that hand over at the same time lose nothing",
                            FlushPolicyContracts::threadsLoseNothing));

    private FlushPolicyContracts() {}

    /** {@return the contracts, by rule} */
    public static List<Contract<FlushPolicyProvider>> all() {
        return ALL;
    }

    private static void pagesWaitForTheirInvalidation(
            FlushPolicyProvider provider, Evidence evidence) {
        try (FlushScene scene = new FlushScene(provider, evidence, USUAL_ORDER)) {
            ModelDomain domain = scene.domain();
            IotlbGather gather = domain.gather();
            for (int i = 1; i <= 20; i++) {
                domain.detach(gather, i * G1, i % 2 == 0 ? M2 : K4, i * K4);
                FlushCompletion ignored = domain.sync(scene.policy, gather);
                scene.requireNoProblem();
            }
            scene.policy.drain();
            scene.requireAllDone("drain");
        }
    }

    private static void abortedWaitsCompleteNothing(
            FlushPolicyProvider provider, Evidence evidence) {
        try (FlushScene scene = new FlushScene(provider, evidence, USUAL_ORDER)) {
            ModelDomain domain = scene.domain();
            IotlbGather gather = domain.gather();
            domain.detach(gather, G1, M2, K4);
            scene.unit.failNextWaits(Integer.MAX_VALUE);
            List<FlushCompletion> completions = new ArrayList<>();
            attempt(evidence, () -> completions.add(domain.sync(scene.policy, gather)));
            boolean threw = completions.isEmpty();
            attempt(evidence, () -> completions.forEach(FlushCompletion::await));
            attempt(evidence, scene.policy::drain);
            if (threw) {
                attempt(evidence, () -> completions.add(domain.sync(scene.policy, gather)));
                evidence.require(
                        completions.stream().noneMatch(FlushCompletion::isDone),
                        () ->
                                "sync threw, and the next one of the same gather says done, though"
                                        + " every wait was aborted");
            }
            evidence.require(
                    completions.stream().noneMatch(FlushCompletion::isDone),
                    () -> "the completion is done, though every wait was aborted");
            evidence.require(
                    domain.heldPages() == 1,
                    () -> "the page came back, though every wait was aborted");
            scene.unit.failNextWaits(0);
            attempt(evidence, scene.policy::drain);
            domain.detach(gather, 2 * G1, M2, 2 * K4);
            domain.sync(scene.policy, gather).await();
            scene.policy.drain();
            scene.requireAllDone("drain, when the unit worked again");
            evidence.require(
                    completions.stream().allMatch(FlushCompletion::isDone),
                    () -> "the completion of what was aborted is not done after drain");
        }
    }

    private static void attempt(Evidence evidence, Runnable step) {
        try {
            step.run();
        } catch (IommuException e) {
            evidence.note("threw " + e);
        }
    }

    private static void completionsTellTheTruth(FlushPolicyProvider provider, Evidence evidence)
            throws InterruptedException {
        try (FlushScene scene = new FlushScene(provider, evidence, USUAL_ORDER)) {
            ModelDomain domain = scene.domain();
            IotlbGather gather = domain.gather();
            AtomicInteger heard = new AtomicInteger();
            for (int i = 1; i <= 5; i++) {
                domain.detach(gather, i * G1, M2, i * K4);
                FlushCompletion completion = domain.sync(scene.policy, gather);
                if (completion.isDone()) {
                    scene.requireAllDone("a completion that says it is done");
                }
                completion.whenDone(heard::incrementAndGet);
                awaitSoon(completion, evidence);
                evidence.require(
                        completion.isDone(), () -> "await returned, and isDone is still false");
                scene.requireAllDone("await");
                int expected = i;
                evidence.require(
                        heard.get() == expected,
                        () -> "after " + expected + " awaits " + heard.get() + " actions had run");
            }
        }
    }

    private static void awaitSoon(FlushCompletion completion, Evidence evidence)
            throws InterruptedException {
        Thread waiter = Thread.ofPlatform().daemon().start(completion::await);
        waiter.join(TimeUnit.SECONDS.toMillis(10));
        evidence.require(!waiter.isAlive(), () -> "await had not returned after 10 s");
    }

    private static void oldLeavesAreCoveredWhole(FlushPolicyProvider provider, Evidence evidence) {
        for (int order : new int[] {USUAL_ORDER, 9, 8, 0, -1}) {
            try (FlushScene scene = new FlushScene(provider, evidence, order)) {
                ModelDomain domain = scene.domain();
                IotlbGather gather = domain.gather();
                domain.restructure(gather, 3 * M2, M2);
                domain.sync(scene.policy, gather).await();
                domain.restructure(gather, 5 * G1, G1);
                domain.unmap(gather, 9 * G1, K4, K4);
                domain.sync(scene.policy, gather).await();
                scene.requireAllDone("syncs to a unit of order " + order);
            }
        }
    }

    private static void structureIsNotHinted(FlushPolicyProvider provider, Evidence evidence) {
        try (FlushScene scene = new FlushScene(provider, evidence, USUAL_ORDER)) {
            ModelDomain domain = scene.domain();
            IotlbGather gather = domain.gather();
            domain.restructure(gather, M2, K4);
            domain.sync(scene.policy, gather).await();
            domain.unmap(gather, 2 * M2, K4, K4);
            domain.restructure(gather, G1, M2);
            domain.unmap(gather, 3 * G1, K4, K4);
            domain.sync(scene.policy, gather).await();
            scene.requireAllDone("sync");
        }
    }

    private static void everyRangeIsCovered(FlushPolicyProvider provider, Evidence evidence) {
        evidence.note("seed " + SEED);
        Random random = new Random(SEED);
        for (int order = -1; order <= 20; order++) {
            try (FlushScene scene = new FlushScene(provider, evidence, order)) {
                ModelDomain domain = scene.domain();
                IotlbGather gather = domain.gather();
                for (int round = 0; round < 30; round++) {
                    int ranges = 1 + random.nextInt(7);
                    for (int i = 0; i < ranges; i++) {
                        long start =
                                (random.nextLong() & (1L << 30 + random.nextInt(26)) - 1) & -K4;
                        domain.unmap(gather, start, K4 * (1 + random.nextInt(40)), K4);
                    }
                    domain.sync(scene.policy, gather).await();
                    scene.requireAllDone("round " + round + ", order " + order);
                    domain.forgetChanges();
                }
            }
        }
    }

    private static void gathersAreEmptiedAtOnce(FlushPolicyProvider provider, Evidence evidence) {
        try (FlushScene scene = new FlushScene(provider, evidence, USUAL_ORDER)) {
            ModelDomain domain = scene.domain();
            IotlbGather gather = domain.gather();
            evidence.require(
                    domain.sync(scene.policy, gather).isDone(),
                    () -> "the completion of an empty gather is not done");
            evidence.require(
                    scene.unit.requests() == 0, () -> "an empty gather made the policy ask");
            for (int i = 1; i <= 3; i++) {
                domain.detach(gather, i * M2, M2, i * K4);
                FlushCompletion ignored = domain.sync(scene.policy, gather);
                evidence.require(
                        gather.isEmpty(), () -> "the gather is not empty after sync: " + gather);
            }
            domain.sync(scene.policy, gather).await();
            scene.policy.drain();
            scene.requireAllDone("drain");
        }
    }

    private static void drainCompletesEverything(FlushPolicyProvider provider, Evidence evidence) {
        try (FlushScene scene = new FlushScene(provider, evidence, USUAL_ORDER)) {
            handOver(scene);
            scene.policy.drain();
            scene.requireAllDone("drain");
            handOver(scene);
            scene.policy.drain();
            scene.requireAllDone("a second drain");
        }
    }

    private static void closeCompletesEverything(FlushPolicyProvider provider, Evidence evidence) {
        try (FlushScene scene = new FlushScene(provider, evidence, USUAL_ORDER)) {
            handOver(scene);
            scene.policy.close();
            scene.requireAllDone("close");
            int before = scene.unit.requests();
            scene.policy.close();
            evidence.require(
                    scene.unit.requests() == before, () -> "a second close asked the unit again");
        }
    }

    /** Hands over something of everything, for several domains in turn. */
    private static void handOver(FlushScene scene) {
        List<ModelDomain> domains = new ArrayList<>();
        List<IotlbGather> gathers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            domains.add(scene.domain());
            gathers.add(domains.getLast().gather());
        }
        for (int i = 1; i <= 30; i++) {
            ModelDomain domain = domains.get(i % 3);
            IotlbGather gather = gathers.get(i % 3);
            domain.unmap(gather, i * M2, K4, K4);
            if (i % 2 == 0) {
                domain.detach(gather, i * G1, M2, i * K4);
                domain.detach(gather, i * G1 + M2, M2, (i + 100) * K4);
            }
            FlushCompletion ignored = domain.sync(scene.policy, gather);
        }
    }

    private static void threadsLoseNothing(FlushPolicyProvider provider, Evidence evidence)
            throws InterruptedException {
        try (FlushScene scene = new FlushScene(provider, evidence, USUAL_ORDER)) {
            List<Throwable> failures = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            List<ModelDomain> domains = List.of(scene.domain(), scene.domain());
            for (int t = 0; t < THREADS; t++) {
                int number = t;
                threads.add(
                        Thread.ofPlatform()
                                .daemon()
                                .uncaughtExceptionHandler((thread, e) -> note(failures, e))
                                .start(() ->
                                        handOverMany(scene, domains.get(number % 2), number * G1)));
            }
            for (Thread thread : threads) {
                thread.join(TimeUnit.SECONDS.toMillis(60));
                evidence.require(!thread.isAlive(), () -> "a thread had not come back after 60 s");
            }
            synchronized (failures) {
                failures.forEach(failure -> evidence.broken(Evidence.trace(failure)));
            }
            scene.policy.drain();
            scene.requireAllDone("drain");
        }
    }

    private static void note(List<Throwable> failures, Throwable failure) {
        synchronized (failures) {
            failures.add(failure);
        }
    }

    private static void handOverMany(FlushScene scene, ModelDomain domain, long base) {
        IotlbGather gather = domain.gather();
        for (int i = 1; i <= 200; i++) {
            domain.detach(gather, base + i * K4, K4, base + i * K4);
            FlushCompletion completion = domain.sync(scene.policy, gather);
            if (i % 16 == 0) {
                completion.await();
            }
        }
    }
}
