package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.pagetable.HardwareWalk.Translation;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * S1: a walk that begins at any instant of an operation, and however long it takes, finds what was
 * or what will be.
 */
class HitlessTest {

    private static final int EXHAUSTIVE_WALKS = 200_000;
    private static final int SAMPLED_WALKS = 6_000;
    private static final int RANDOM_OPERATIONS = 3_000;

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.Scenario#all")
    void S1_hitlessAtEveryStepAndForSpreadWalks(Scenario scenario) {
        TestDomain domain = scenario.open(TestDomain.on(scenario.format()).observed());
        IotlbGather gather = domain.gather();
        Steps steps = step(domain, scenario.places(), target -> scenario.act(target, gather));
        assertThat(steps.count()).isPositive();
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void S1_hitlessInRandomOperations(PageTableFormat format) {
        long seed = 3;
        TestDomain domain = TestDomain.on(format).observed().emptyTables(2).open();
        ReferenceModel model = new ReferenceModel(format, DomainOptions.defaults());
        RandomTraffic traffic = new RandomTraffic(format, model, seed);
        IotlbGather gather = domain.gather();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < RANDOM_OPERATIONS; i++) {
            Operation next = traffic.next();
            boolean tooMuch = next.size() > 3L << format.shift(1) && format.entries() > 16;
            if (!tooMuch) {
                stepOne(
                        domain,
                        next,
                        gather,
                        random,
                        "seed " + seed + ", operation " + i + ": " + next);
            }
        }
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    private static void stepOne(
            TestDomain domain,
            Operation op,
            IotlbGather gather,
            SplittableRandom random,
            String what) {
        long page = 1L << domain.format().shift(0);
        long last = (1L << domain.format().addressWidth()) - 1;
        long[] places = {
            op.iova(),
            op.iova() + op.size() - 1,
            Math.max(0, op.iova() - page),
            Math.min(last, op.iova() + op.size()),
            op.iova() + random.nextLong(op.size()),
            op.iova() & -(1L << domain.format().shift(1)),
            Math.min(last, op.iova() | (1L << domain.format().shift(2)) - 1)
        };
        try {
            switch (op.kind()) {
                case MAP, MAP_AND_WAIT, TRY_MAP ->
                        step(
                                domain,
                                places,
                                d ->
                                        d.tryMap(
                                                op.iova(),
                                                op.output(),
                                                op.size(),
                                                op.access(),
                                                gather));
                case UNMAP, UNMAP_AND_WAIT ->
                        step(domain, places, d -> d.unmap(op.iova(), op.size(), gather));
                case CUT -> step(domain, places, d -> d.cut(op.iova(), op.size(), gather));
                case SPLIT ->
                        step(
                                domain,
                                places,
                                d -> d.split(op.iova(), op.size(), op.pageSize(), gather));
                case COALESCE ->
                        step(domain, places, d -> d.coalesce(op.iova(), op.size(), gather));
                default -> domain.sync(gather).await();
            }
        } catch (AssertionError e) {
            throw new AssertionError(what + ": " + e.getMessage(), e);
        }
    }

    /** The check itself sees a change that is not hitless. */
    @Test
    void S1_theCheckSeesAnUnmapFollowedByAMap() {
        PageTableFormat format = TestFormats.tiny();
        TestDomain domain = TestDomain.on(format).observed().open();
        long size = 1L << format.shift(1);
        domain.map(0, size, size, Access.READ);
        IotlbGather gather = domain.gather();
        assertThatThrownBy(() ->
                        step(
                                domain,
                                new long[] {0},
                                target -> {
                                    target.unmap(0, size, gather);
                                    target.map(0, size, size, Access.READ, gather);
                                }))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("changes again");
    }

    private static Steps step(TestDomain domain, long[] iovas, Consumer<TestDomain> operation) {
        HitlessCheck check =
                new HitlessCheck(
                        new HardwareWalk(domain.format(), domain.memory()), domain.root(), iovas);
        Steps steps = new Steps(domain.memory(), check::look);
        domain.observe(steps);
        operation.accept(domain);
        steps.settle();
        domain.observeNothing();
        check.end();
        spreadWalks(domain, steps, check);
        return steps;
    }

    private static void spreadWalks(TestDomain domain, Steps steps, HitlessCheck check) {
        int levels = domain.format().levels();
        int[] when = new int[levels];
        HardwareWalk walk =
                new HardwareWalk(
                        domain.format(),
                        domain.memory().size(),
                        (level, address) -> steps.load(address, when[levels - 1 - level]));
        long n = steps.count() + 1L;
        if (levels == 3 && n * (n + 1) * (n + 2) / 6 * check.iovas().length <= EXHAUSTIVE_WALKS) {
            for (when[0] = 0; when[0] < n; when[0]++) {
                for (when[1] = when[0]; when[1] < n; when[1]++) {
                    for (when[2] = when[1]; when[2] < n; when[2]++) {
                        walkAll(domain.root(), walk, check, when);
                    }
                }
            }
        } else {
            SplittableRandom random = new SplittableRandom(n);
            for (int i = 0; i < SAMPLED_WALKS / check.iovas().length; i++) {
                int[] drawn =
                        IntStream.generate(() -> instant(random, steps.count()))
                                .limit(levels)
                                .sorted()
                                .toArray();
                System.arraycopy(drawn, 0, when, 0, levels);
                walkAll(domain.root(), walk, check, when);
            }
        }
    }

    /**
     * Any instant, and more often one near the end, where what was built in private becomes
     * visible.
     */
    private static int instant(SplittableRandom random, int steps) {
        return switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> steps;
            case 2 -> Math.max(0, steps - random.nextInt(6));
            default -> random.nextInt(steps + 1);
        };
    }

    private static void walkAll(long root, HardwareWalk walk, HitlessCheck check, int[] when) {
        for (int place = 0; place < check.iovas().length; place++) {
            Translation seen = walk.translation(root, check.iovas()[place]);
            check.requireBeforeOrAfter(place, seen, Arrays.toString(when));
        }
    }
}
