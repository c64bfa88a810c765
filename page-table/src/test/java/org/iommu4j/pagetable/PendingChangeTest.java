package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.walker.TableWalk;
import org.junit.jupiter.api.Test;

/**
 * A structural change stays pending although an invalidation of its span completes at the worst
 * instant: just before the entry changes. Hardware may read the old entry once more after that
 * invalidation.
 */
class PendingChangeTest {

    private static final long IOVA = 0x4000_0000L;
    private static final long OUTPUT = 0x8000_0000L;
    private static final long SMALL = 0x1000;
    private static final long LARGE = 0x20_0000;

    private final TestDomain domain =
            TestDomain.on(TestFormats.secondStage(4)).emptyTables(4).observed().open();
    private final IotlbGather first = domain.gather();
    private final IotlbGather second = domain.gather();

    @Test
    void G2_aSplitStaysPendingIfItsSpanIsInvalidatedJustBeforeTheExchange() {
        long slot = mapLarge();
        invalidateBefore(slot);
        domain.unmap(IOVA, SMALL, first);
        domain.observeNothing();

        domain.unmap(IOVA + SMALL, SMALL, second);
        assertWhole(second);
    }

    @Test
    void G2_anUnlinkedTableStaysPendingIfItsSpanIsInvalidatedJustBeforeTheStore() {
        long slot = mapLarge();
        domain.split(IOVA, LARGE, SMALL, first);
        domain.sync(first).await();
        invalidateBefore(slot);
        domain.unmap(IOVA, LARGE, first);
        domain.observeNothing();

        domain.map(IOVA, OUTPUT, SMALL, Access.READ_WRITE, second);
        assertWhole(second);
    }

    @Test
    void G2_aReplacedTableStaysPendingIfItsSpanIsInvalidatedJustBeforeTheStore() {
        long slot = mapLarge();
        domain.split(IOVA, LARGE, SMALL, first);
        domain.unmap(IOVA, LARGE - SMALL, first);
        domain.unmap(IOVA + LARGE - SMALL, SMALL, first);
        domain.sync(first).await();
        invalidateBefore(slot);
        domain.map(IOVA, OUTPUT, LARGE, Access.READ_WRITE, first);
        domain.observeNothing();

        domain.unmap(IOVA, LARGE, second);
        assertWhole(second);
    }

    private long mapLarge() {
        domain.map(IOVA, OUTPUT, LARGE, Access.READ_WRITE);
        TableWalk walk = new TableWalk(domain.format(), domain.memory());
        assertThat(walk.to(domain.root(), IOVA)).isTrue();
        return walk.entryAddress();
    }

    /** Has an invalidation of everything begin and complete just before an entry changes. */
    private void invalidateBefore(long slot) {
        domain.observe(
                new MemoryObserver() {
                    @Override
                    public void beforeStore(long address, long value) {
                        if (address == slot) {
                            invalidateEverything();
                        }
                    }

                    @Override
                    public void beforeExchange(long address, long expected, long value) {
                        beforeStore(address, value);
                    }
                });
    }

    private void invalidateEverything() {
        IotlbGather everything = domain.gather();
        everything.addRange(0, 1L << 48, SMALL);
        everything.markStructureChanged();
        domain.sync(everything).await();
    }

    private void assertWhole(IotlbGather gather) {
        assertThat(gather.structureChanged()).isTrue();
        assertThat(TestDomain.Flush.of(gather).covers(IOVA, LARGE)).isTrue();
        domain.sync(first).await();
        domain.sync(second).await();
        domain.closeAndCheck();
    }
}
