package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.MappingConflictException;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.PartialUnmapException;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.pagetable.HardwareWalk.Translation;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * S6, U4, M4: a call that fails, for want of pages or for another reason, leaves not one bit
 * changed.
 */
class FailureTest {

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.Scenario#all")
    void S6_U4_M4_everyFailingRequestChangesNothing(Scenario scenario) {
        List<Translation> expected = afterwards(scenario);
        TestDomain counted = open(scenario);
        long before = counted.allocator().requests();
        scenario.actAndSync(counted);
        long requests = counted.allocator().requests() - before;
        for (long nth = 1; nth <= requests; nth++) {
            long failing = nth;
            failThenSucceed(scenario, domain -> domain.allocator().failAt(failing), expected);
        }
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.Scenario#all")
    void S6_U4_M4_everyShortageChangesNothing(Scenario scenario) {
        List<Translation> expected = afterwards(scenario);
        int needed = needed(scenario);
        for (int left = 0; left < needed; left++) {
            int free = left;
            failThenSucceed(scenario, domain -> domain.allocator().leave(free), expected);
        }
        TestDomain enough = open(scenario);
        enough.allocator().leave(needed);
        scenario.actAndSync(enough);
        assertThat(translations(enough, scenario)).isEqualTo(expected);
    }

    /** The most pages that are out at once, beyond those before; found by trying. */
    private static int needed(Scenario scenario) {
        for (int free = 0; ; free++) {
            TestDomain domain = open(scenario);
            domain.allocator().leave(free);
            if (catchThrowable(() -> scenario.actAndSync(domain)) == null) {
                return free;
            }
        }
    }

    private static TestDomain open(Scenario scenario) {
        return scenario.open(TestDomain.on(scenario.format()).pages(3_000));
    }

    private static void failThenSucceed(
            Scenario scenario, Consumer<TestDomain> break_, List<Translation> expected) {
        TestDomain domain = open(scenario);
        IotlbGather gather = domain.gather();
        gather.addRange(scenario.base(), 0x1000, 0x1000);
        Snapshot before = Snapshot.of(domain, gather);
        break_.accept(domain);
        assertThatThrownBy(() -> scenario.act(domain, gather))
                .isInstanceOf(TableMemoryExhaustedException.class);
        assertThat(Snapshot.of(domain, gather)).isEqualTo(before);
        domain.allocator().failNever();
        domain.allocator().leaveAll();
        scenario.act(domain, gather);
        assertThat(translations(domain, scenario)).isEqualTo(expected);
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    private static List<Translation> afterwards(Scenario scenario) {
        TestDomain domain = open(scenario);
        scenario.actAndSync(domain);
        return translations(domain, scenario);
    }

    private static List<Translation> translations(TestDomain domain, Scenario scenario) {
        HardwareWalk walk = new HardwareWalk(domain.format(), domain.memory());
        return Arrays.stream(scenario.places())
                .mapToObj(place -> walk.translation(domain.root(), place))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M2_aConflictAtAnyPlaceChangesNothing(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long large = 1L << format.shift(2);
        for (long there :
                new long[] {
                    0, page, mid - page, mid, large - page, large + mid, 2 * large - page
                }) {
            TestDomain domain = TestDomain.on(format).open();
            domain.map(there, there, page, Access.READ);
            IotlbGather gather = domain.gather();
            Snapshot before = Snapshot.of(domain, gather);
            assertThatThrownBy(() -> domain.map(0, 0, 2 * large, Access.READ, gather))
                    .isInstanceOfSatisfying(
                            MappingConflictException.class,
                            e -> assertThat(e.existing().iova()).isEqualTo(there));
            assertThatThrownBy(() -> domain.map(0, 0, 2 * large, Access.READ))
                    .isInstanceOf(MappingConflictException.class);
            assertThat(domain.tryMap(0, page, 2 * large, Access.READ, gather)).isFalse();
            assertThat(Snapshot.of(domain, gather)).isEqualTo(before);
            domain.closeAndCheck();
        }
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void U4_U3_aRejectedUnmapChangesNothing(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long large = 1L << format.shift(2);
        TestDomain domain = TestDomain.on(format).partialUnmap(PartialUnmap.REJECT).open();
        domain.map(0, page, large, Access.READ);
        domain.map(large, large, large, Access.READ);
        IotlbGather gather = domain.gather();
        Snapshot before = Snapshot.of(domain, gather);
        assertThatThrownBy(() -> domain.unmap(0, 2 * large - page, gather))
                .isInstanceOfSatisfying(
                        PartialUnmapException.class,
                        e -> assertThat(e.leaf().iova()).isEqualTo(large));
        assertThat(Snapshot.of(domain, gather)).isEqualTo(before);
        assertThat(domain.unmap(0, 2 * large, gather)).isEqualTo(2 * large);
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    /**
     * Two leaves are cut in one call, and only the second cut finds no page: the first must not be
     * visible.
     */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void S6_theSecondBoundaryFailsBeforeTheFirstIsVisible(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long large = 1L << format.shift(2);
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, 0, 2 * large, Access.READ_WRITE);
        IotlbGather gather = domain.gather();
        Snapshot before = Snapshot.of(domain, gather);
        for (int free = 0; free < 4; free++) {
            domain.allocator().leave(free);
            assertThatThrownBy(() -> domain.unmap(page, 2 * large - 2 * page, gather))
                    .as("with %s pages", free)
                    .isInstanceOfSatisfying(
                            TableMemoryExhaustedException.class,
                            e -> assertThat(e.needed()).isEqualTo(4));
            assertThat(Snapshot.of(domain, gather)).isEqualTo(before);
        }
        domain.allocator().leave(4);
        assertThat(domain.unmap(page, 2 * large - 2 * page, gather))
                .isEqualTo(2 * large - 2 * page);
        domain.allocator().leaveAll();
        domain.sync(gather).await();
        domain.closeAndCheck();
    }
}
