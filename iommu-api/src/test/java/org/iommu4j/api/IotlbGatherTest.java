package org.iommu4j.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.iommu4j.machine.PageList;
import org.junit.jupiter.api.Test;

class IotlbGatherTest {

    private static final long K4 = 0x1000;
    private static final long M2 = 0x20_0000;

    private final Domain domain = new Domain();
    private final IotlbGather gather = new IotlbGather(domain);

    @Test
    void beginsEmpty() {
        assertThat(gather.isEmpty()).isTrue();
        assertThat(gather.start()).isZero();
        assertThat(gather.end()).isZero();
        assertThat(gather.smallestPage()).isZero();
        assertThat(gather.rangeCount()).isZero();
        assertThat(gather.heldPages()).isZero();
        assertThat(gather.structureChanged()).isFalse();
        assertThat(gather.owner()).isSameAs(domain);
        gather.close();
        assertThat(domain.synced).isEmpty();
    }

    @Test
    void eachKindOfContentMakesItNotEmpty() {
        IotlbGather structure = new IotlbGather(domain);
        structure.markStructureChanged();
        IotlbGather table = new IotlbGather(domain);
        table.addTable(0x5000);
        gather.addRange(0, K4, K4);
        for (IotlbGather some : List.of(gather, structure, table)) {
            assertThat(some.isEmpty()).isFalse();
            some.completed();
            assertThat(some.isEmpty()).isTrue();
        }
    }

    @Test
    void touchingRangesBecomeOne() {
        gather.addRange(3 * K4, K4, K4);
        gather.addRange(5 * K4, K4, K4);
        gather.addRange(4 * K4, K4, M2);
        assertThat(gather.rangeCount()).isEqualTo(1);
        assertThat(gather.start()).isEqualTo(3 * K4);
        assertThat(gather.end()).isEqualTo(6 * K4);
        assertThat(gather.smallestPage()).isEqualTo(K4);
        gather.addRange(0, M2, M2);
        assertThat(gather.rangeCount()).isEqualTo(1);
        assertThat(gather.end()).isEqualTo(M2);
    }

    @Test
    void G4_farApartRangesStayApartAsLongAsTheyAreFew() {
        for (int i = 0; i < 4; i++) {
            gather.addRange((long) i << 40, K4, K4);
        }
        assertThat(gather.rangeCount()).isEqualTo(4);
        gather.addRange((2L << 40) + M2, K4, K4);
        assertThat(gather.rangeCount()).isEqualTo(4);
        List<String> ranges = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            ranges.add(
                    Long.toHexString(gather.rangeStart(i))
                            + "-"
                            + Long.toHexString(gather.rangeEnd(i)));
        }
        assertThat(ranges)
                .containsExactlyInAnyOrder(
                        "0-1000",
                        "10000000000-10000001000",
                        "20000000000-20000201000",
                        "30000000000-30000001000");
        assertThatThrownBy(() -> gather.rangeStart(4))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> gather.rangeEnd(-1)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void G2_whatWasAddedStaysCovered() {
        long seed = 4711;
        Random random = new Random(seed);
        for (int round = 0; round < 20_000; round++) {
            BitSet added = new BitSet();
            int ranges = 1 + random.nextInt(12);
            for (int i = 0; i < ranges; i++) {
                int first = random.nextInt(200);
                int count = 1 + random.nextInt(20);
                added.set(first, first + count);
                gather.addRange(first * K4, count * K4, K4);
            }
            BitSet covered = covered(gather, seed, round);
            BitSet missing = (BitSet) added.clone();
            missing.andNot(covered);
            assertThat(missing.isEmpty()).as("seed %d, round %d", seed, round).isTrue();
            assertThat(gather.start()).isEqualTo(added.nextSetBit(0) * K4);
            assertThat(gather.end()).isEqualTo(added.length() * K4);
            if (ranges <= 4) {
                assertThat(covered).as("seed %d, round %d", seed, round).isEqualTo(added);
            }
            gather.completed();
        }
    }

    /** The pages in the ranges, which neither overlap nor touch. */
    private static BitSet covered(IotlbGather gather, long seed, int round) {
        BitSet covered = new BitSet();
        for (int i = 0; i < gather.rangeCount(); i++) {
            int first = (int) (gather.rangeStart(i) / K4);
            int end = (int) (gather.rangeEnd(i) / K4);
            assertThat(covered.get(Math.max(0, first - 1), end + 1).isEmpty())
                    .as("seed %d, round %d", seed, round)
                    .isTrue();
            covered.set(first, end);
        }
        return covered;
    }

    @Test
    void moveToJoinsEverythingAndLeavesNothing() {
        IotlbGather batch = gather.sibling();
        batch.addRange(0, K4, M2);
        batch.addTable(0x5000);
        gather.addRange(M2, K4, K4);
        gather.addTable(0x6000);
        gather.markStructureChanged();
        gather.stamp(2, 7);
        gather.stamp(3, 5);
        batch.stamp(3, 6);
        gather.moveTo(batch);
        assertThat(gather.isEmpty()).isTrue();
        assertThat(gather.smallestPage()).isZero();
        assertThat(gather.structureChanged()).isFalse();
        assertThat(batch.rangeCount()).isEqualTo(2);
        assertThat(batch.smallestPage()).isEqualTo(K4);
        assertThat(batch.structureChanged()).isTrue();
        assertThat(batch.heldPages()).isEqualTo(2);
        assertThat(batch.stamp(2)).isEqualTo(7);
        assertThat(batch.stamp(3)).isEqualTo(6);
        assertThat(gather.stamp(2)).isZero();
        assertThat(gather.stampedParts()).isZero();
        assertThat(batch.stampedParts()).isEqualTo(0b1100);
        gather.moveTo(batch);
        batch.moveTo(batch);
        assertThat(batch.heldPages()).isEqualTo(2);
        gather.addRange(0, K4, K4);
        assertThat(gather.rangeCount()).isEqualTo(1);
    }

    @Test
    void aRangeIsCoveredByOneRangeOrNot() {
        gather.addRange(M2, M2, K4);
        gather.addRange(8 * M2, K4, K4);
        assertThat(gather.covers(M2, 2 * M2)).isTrue();
        assertThat(gather.covers(M2 + K4, M2 + 2 * K4)).isTrue();
        assertThat(gather.covers(M2 - 1, 2 * M2)).isFalse();
        assertThat(gather.covers(M2, 2 * M2 + 1)).isFalse();
        assertThat(gather.covers(M2, 8 * M2 + K4)).isFalse();
    }

    @Test
    void aStampOfAPartThatThereIsNotChangesNothing() {
        for (int part : new int[] {-1, IotlbGather.STAMPS}) {
            assertThatThrownBy(() -> gather.stamp(part, 1))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> gather.stamp(part))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
        assertThat(gather.stampedParts()).isZero();
    }

    @Test
    void G6_anotherDomainsBatchIsRefused() {
        gather.addRange(0, K4, K4);
        gather.addTable(0x5000);
        IotlbGather other = new IotlbGather(new Domain());
        assertThatThrownBy(() -> gather.moveTo(other))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("another domain");
        assertThat(gather.heldPages()).isEqualTo(1);
        assertThat(gather.rangeCount()).isEqualTo(1);
        assertThat(other.isEmpty()).isTrue();
    }

    @Test
    void completedTellsTheOwnerBeforePagesComeBack() {
        gather.addRange(M2, K4, K4);
        gather.addTable(0x5000);
        gather.addTable(0x6000);
        gather.completed();
        assertThat(domain.events)
                .containsExactly(
                        "invalidated gather [0x200000, 0x201000), 2 pages held",
                        "released 2 pages");
        assertThat(gather.isEmpty()).isTrue();
    }

    @Test
    void G1_aFailureOfTheOwnerKeepsThePages() {
        gather.addTable(0x5000);
        domain.failing = true;
        assertThatThrownBy(gather::completed).hasMessage("not now");
        assertThat(gather.heldPages()).isEqualTo(1);
        domain.failing = false;
        gather.completed();
        assertThat(gather.heldPages()).isZero();
    }

    @Test
    void G6_closeSyncsWhatIsThereOnce() {
        gather.addRange(0, K4, K4);
        try (gather) {
            gather.addTable(0x5000);
        }
        gather.close();
        assertThat(domain.synced).hasSize(1);
    }

    @Test
    void G6_abandonedGatherIsReported() throws InterruptedException {
        abandon(domain);
        IotlbGather remains = null;
        for (int i = 0; i < 200 && remains == null; i++) {
            System.gc();
            remains = domain.abandoned.poll(50, TimeUnit.MILLISECONDS);
        }
        assertThat(remains).isNotNull();
        assertThat(remains.owner()).isSameAs(domain);
        assertThat(remains.start()).isEqualTo(M2);
        assertThat(remains.end()).isEqualTo(2 * M2);
        assertThat(remains.structureChanged()).isTrue();
        assertThat(remains.heldPages()).isEqualTo(1);
        remains.completed();
        assertThat(domain.events).contains("released 1 pages");
        assertThat(domain.abandoned).isEmpty();
    }

    @Test
    void anOwnerIsNotKeptAliveByItsOwnGather() throws InterruptedException {
        WeakReference<Domain> dropped = droppedOwner();
        for (int i = 0; i < 200 && dropped.get() != null; i++) {
            System.gc();
            Thread.sleep(5);
        }
        assertThat(dropped.get()).isNull();
    }

    private static WeakReference<Domain> droppedOwner() {
        Domain owner = new Domain();
        IotlbGather kept = new IotlbGather(owner);
        kept.addRange(0, K4, K4);
        owner.synced.add(kept);
        return new WeakReference<>(owner);
    }

    /** One gather is dropped full, one empty, and one is still there. */
    private void abandon(Domain owner) {
        IotlbGather full = new IotlbGather(owner);
        full.addRange(M2, M2, K4);
        full.addTable(0x5000);
        full.markStructureChanged();
        IotlbGather empty = new IotlbGather(owner);
        empty.addRange(0, K4, K4);
        empty.moveTo(gather);
    }

    private static final class Domain implements IotlbGather.Owner {

        final List<IotlbGather> synced = new ArrayList<>();
        final List<String> events = new ArrayList<>();
        final BlockingQueue<IotlbGather> abandoned = new LinkedBlockingQueue<>();
        boolean failing;

        @Override
        public FlushCompletion sync(IotlbGather gather) {
            synced.add(gather);
            gather.completed();
            return FlushCompletion.DONE;
        }

        @Override
        public void release(PageList pages) {
            if (failing) {
                throw new IommuException("not now");
            }
            events.add("released " + pages.size() + " pages");
            pages.clear();
        }

        @Override
        public void invalidated(IotlbGather gather) {
            events.add("invalidated " + gather);
        }

        @Override
        public void abandoned(IotlbGather remains) {
            abandoned.add(remains);
        }
    }
}
