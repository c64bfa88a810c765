package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * S6, M4: an operation that took pages and then finds the tables changed plans again, takes what it
 * needs now, and gives back what it does not. The other one is let in where no guard is held: when
 * the first asks for pages.
 */
class ReplanTest {

    private static final int PAIRS = 1_000;
    private static final int MAPPED_BEFORE = 3;
    private static final int MOST_LEAVES = 2_048;

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void S6_M4_anotherOperationComesInBetween(PageTableFormat format) {
        long seed = 23;
        RandomTraffic traffic =
                new RandomTraffic(
                        format, new ReferenceModel(format, DomainOptions.defaults()), seed);
        int replanned = 0;
        for (int pair = 0; pair < PAIRS; pair++) {
            List<Operation> before = small(traffic, format, MAPPED_BEFORE);
            List<Operation> both = small(traffic, format, 2);
            try {
                replanned += play(format, before, both.get(0), both.get(1)) ? 1 : 0;
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError(
                        "seed "
                                + seed
                                + ", pair "
                                + pair
                                + ": after "
                                + before
                                + " "
                                + both.get(1)
                                + " inside of "
                                + both.get(0),
                        e);
            }
        }
        assertThat(replanned).isGreaterThan(PAIRS / 10);
    }

    /** Operations whose leaves can be listed quickly. */
    private static List<Operation> small(RandomTraffic traffic, PageTableFormat format, int count) {
        long large = 1L << format.shift(2);
        List<Operation> small = new ArrayList<>();
        while (small.size() < count) {
            Operation next = traffic.next();
            boolean linear = ((next.output() ^ next.iova()) & large - 1) == 0;
            boolean crumbles =
                    next.kind() == Operation.Kind.SPLIT
                            && next.size() / next.pageSize() > MOST_LEAVES;
            if (linear && !crumbles && next.size() <= 2 * large) {
                small.add(next);
            }
        }
        return small;
    }

    /** Returns true if the second came in. */
    private static boolean play(
            PageTableFormat format, List<Operation> before, Operation first, Operation second) {
        TestDomain domain = TestDomain.on(format).pages(3_000).open();
        ReferenceModel model = new ReferenceModel(format, DomainOptions.defaults());
        try (IotlbGather gather = domain.gather();
                IotlbGather other = domain.gather()) {
            for (Operation each : before) {
                domain.tryMap(each.iova(), each.output(), each.size(), each.access(), gather);
                model.map(each.iova(), each.output(), each.size(), each.access());
            }
            List<Long> results = new ArrayList<>();
            domain.allocator()
                    .beforeEachCall(() -> {
                        domain.allocator().beforeEachCall(() -> {});
                        results.add(apply(domain, second, other));
                    });
            results.add(apply(domain, first, gather));
            domain.allocator().beforeEachCall(() -> {});
            boolean cameIn = results.size() == 2;
            List<Long> expected = new ArrayList<>();
            if (cameIn) {
                expected.add(apply(model, second));
            }
            expected.add(apply(model, first));
            assertThat(results).isEqualTo(expected);
            domain.sync(other).await();
            domain.sync(gather).await();
            assertThat(domain.statistics().tablePages()).isEqualTo(model.leastTables());
            assertThat(domain.allocator().taken()).isEqualTo(Math.toIntExact(model.leastTables()));
            assertThat(leaves(domain, first)).isEqualTo(leaves(model, first));
            assertThat(leaves(domain, second)).isEqualTo(leaves(model, second));
            domain.closeAndCheck();
            return cameIn;
        }
    }

    private static long apply(TestDomain domain, Operation op, IotlbGather gather) {
        switch (op.kind()) {
            case MAP, MAP_AND_WAIT, TRY_MAP -> {
                return domain.tryMap(op.iova(), op.output(), op.size(), op.access(), gather)
                        ? 1
                        : 0;
            }
            case CUT -> domain.cut(op.iova(), op.size(), gather);
            case SPLIT -> domain.split(op.iova(), op.size(), op.pageSize(), gather);
            default -> {
                return domain.unmap(op.iova(), op.size(), gather);
            }
        }
        return -1;
    }

    private static long apply(ReferenceModel model, Operation op) {
        switch (op.kind()) {
            case MAP, MAP_AND_WAIT, TRY_MAP -> {
                return model.map(op.iova(), op.output(), op.size(), op.access()) ? 1 : 0;
            }
            case CUT -> model.cut(op.iova(), op.size());
            case SPLIT -> model.split(op.iova(), op.size(), op.pageSize());
            default -> {
                return model.unmapSplitting(op.iova(), op.size());
            }
        }
        return -1;
    }

    private static List<Mapping> leaves(TestDomain domain, Operation op) {
        List<Mapping> leaves = new ArrayList<>();
        domain.mappings(op.iova(), op.size(), (i, o, s, a) -> leaves.add(new Mapping(i, o, s, a)));
        return leaves;
    }

    private static List<Mapping> leaves(ReferenceModel model, Operation op) {
        List<Mapping> leaves = new ArrayList<>();
        model.mappings(op.iova(), op.size(), (i, o, s, a) -> leaves.add(new Mapping(i, o, s, a)));
        return leaves;
    }
}
