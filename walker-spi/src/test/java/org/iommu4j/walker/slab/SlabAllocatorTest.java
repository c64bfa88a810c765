package org.iommu4j.walker.slab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.Test;

class SlabAllocatorTest {

    private static final int PAGE = PhysicalMemory.PAGE_SIZE;

    private final PhysicalMemory memory = PhysicalMemory.allocate(1000 * PAGE);
    private final TableAllocator allocator = new SlabAllocator(memory);

    @Test
    void isFoundFirst() {
        assertThat(TableAllocatorProvider.providers().getFirst().name()).isEqualTo("slab");
    }

    @Test
    void handsOutEveryPageOnceButTheFirst() {
        assertThat(allocator.capacity()).isEqualTo(999);
        Set<Long> taken = new HashSet<>();
        for (long page = allocator.take(); page != -1; page = allocator.take()) {
            assertThat(taken.add(page)).isTrue();
            assertThat(page).isPositive().isLessThan(1000 * PAGE);
            assertThat(page % PAGE).isZero();
        }
        assertThat(taken).hasSize(999);
        assertThat(allocator.free()).isZero();
        taken.forEach(allocator::give);
        assertThat(allocator.free()).isEqualTo(999);
    }

    @Test
    void reservesAllOrNothing() {
        PageList list = new PageList();
        list.add(0x5000);
        assertThat(allocator.reserve(1000, list)).isFalse();
        assertThat(allocator.reserveZeroed(1000, list)).isFalse();
        assertThat(list.size()).isEqualTo(1);
        assertThat(allocator.free()).isEqualTo(999);
        assertThat(allocator.reserve(999, list)).isTrue();
        assertThat(allocator.reserve(1, list)).isFalse();
        assertThat(allocator.reserve(0, list)).isTrue();
        assertThat(list.size()).isEqualTo(1000);
    }

    @Test
    void takesManyBackAtOnce() {
        PageList list = new PageList();
        assertThat(allocator.reserveZeroed(700, list)).isTrue();
        memory.fill(list.get(0), -1, 0, 512);
        Set<Long> pages = new HashSet<>();
        for (int i = 0; i < list.size(); i++) {
            pages.add(list.get(i));
        }
        allocator.giveBack(list);
        assertThat(list.isEmpty()).isTrue();
        assertThat(allocator.free()).isEqualTo(999);
        assertThat(allocator.reserve(700, list)).isTrue();
        for (int i = 0; i < list.size(); i++) {
            assertThat(pages.remove(list.get(i))).isTrue();
        }
        allocator.giveBack(list);
        assertThat(allocator.reserveZeroed(999, list)).isTrue();
        for (int i = 0; i < list.size(); i++) {
            assertThat(memory.countAny(list.get(i), -1, 512)).isZero();
        }
    }

    @Test
    void reservesWhatOtherThreadsKeepNear() throws Exception {
        PageList all = new PageList();
        onManyThreads(
                40,
                n -> {
                    PageList some = new PageList();
                    assertThat(allocator.reserve(20, some)).isTrue();
                    if (n % 2 == 0) {
                        allocator.giveBack(some);
                    } else {
                        dirty(some);
                        allocator.giveBackZeroed(cleaned(some));
                    }
                });
        assertThat(allocator.free()).isEqualTo(999);
        assertThat(allocator.reserveZeroed(999, all)).isTrue();
        assertThat(allocator.free()).isZero();
    }

    @Test
    void zeroesRecycledPagesWhenZeroedOnesAreWanted() {
        long seed = 1;
        Random random = new Random(seed);
        for (int round = 0; round < 500; round++) {
            PageList list = new PageList();
            boolean zeroed = random.nextBoolean();
            int count = 1 + random.nextInt(random.nextInt(10) == 0 ? 999 : 4);
            assertThat(
                            zeroed
                                    ? allocator.reserveZeroed(count, list)
                                    : allocator.reserve(count, list))
                    .isTrue();
            for (int i = 0; zeroed && i < count; i++) {
                assertThat(isZero(list.get(i))).as("seed %d, round %d", seed, round).isTrue();
            }
            dirty(list);
            if (random.nextBoolean()) {
                allocator.giveBackZeroed(cleaned(list));
            } else {
                allocator.giveBack(list);
            }
            assertThat(list.isEmpty()).isTrue();
            long one = allocator.take();
            assertThat(isZero(one)).as("seed %d, round %d", seed, round).isTrue();
            memory.storePlain(one + 8, 7);
            allocator.give(one);
        }
        assertThat(allocator.free()).isEqualTo(999);
    }

    @Test
    void takesNothingForZeroThatAnotherAllocatorUsed() {
        PageList list = new PageList();
        assertThat(allocator.reserve(300, list)).isTrue();
        dirty(list);
        TableAllocator next = new SlabAllocator(memory);
        for (int i = 0; i < 999; i++) {
            assertThat(isZero(next.take())).as("page %d", i).isTrue();
        }
    }

    @Test
    void touchesNothingThatNeedNotBeZeroed() {
        TableAllocator strict =
                new SlabAllocator(
                        memory.observedBy(
                                new MemoryObserver() {
                                    @Override
                                    public void beforeStore(long address, long value) {
                                        throw new AssertionError(
                                                "0x" + Long.toHexString(address) + " is stored to");
                                    }
                                }));
        PageList list = new PageList();
        for (int count : new int[] {1, 3, 70, 999}) {
            assertThat(strict.reserveZeroed(count, list)).isTrue();
            strict.giveBackZeroed(list);
            assertThat(strict.reserve(count, list)).isTrue();
            strict.giveBackZeroed(list);
        }
        assertThat(strict.reserve(999, list)).isTrue();
        strict.giveBack(list);
        assertThat(strict.reserve(999, list)).isTrue();
    }

    @Test
    void prefersPagesUsedBefore() {
        PageList list = new PageList();
        Set<Long> seen = new HashSet<>();
        for (int round = 0; round < 1000; round++) {
            long one = allocator.take();
            assertThat(allocator.reserve(2, list)).isTrue();
            seen.add(one);
            seen.add(list.get(0));
            seen.add(list.get(1));
            allocator.give(one);
            allocator.giveBack(list);
        }
        assertThat(seen).hasSizeLessThan(2 * SharedPages.BATCH);
    }

    @Test
    void keepsThreadsApartByLinesOfTheLedger() throws Exception {
        long[][] lines = new long[4][24];
        onManyThreads(
                4,
                n -> {
                    for (int i = 0; i < 24; i++) {
                        lines[n][i] = allocator.take() / PAGE / 8;
                    }
                });
        Set<Long> seen = new HashSet<>();
        for (long[] ofThread : lines) {
            Set<Long> own = new HashSet<>();
            for (long line : ofThread) {
                own.add(line);
            }
            for (long line : own) {
                assertThat(seen.add(line)).as("line %d is used by one thread", line).isTrue();
            }
        }
    }

    @Test
    void losesNothingWhenZeroingFails() {
        TableAllocator failing =
                new SlabAllocator(
                        memory.observedBy(
                                new MemoryObserver() {
                                    @Override
                                    public void beforeStore(long address, long value) {
                                        throw new IllegalStateException("no store");
                                    }
                                }));
        PageList list = new PageList();
        assertThat(failing.reserve(999, list)).isTrue();
        failing.giveBack(list);
        assertThatThrownBy(() -> failing.reserveZeroed(5, list)).hasMessage("no store");
        assertThatThrownBy(failing::take).hasMessage("no store");
        assertThat(list.isEmpty()).isTrue();
        assertThat(failing.free()).isEqualTo(999);
    }

    @Test
    void isExactUnderManyThreads() throws Exception {
        AtomicIntegerArray owners = new AtomicIntegerArray(1000);
        onManyThreads(
                6,
                n -> {
                    long seed = 100L + n;
                    Random random = new Random(seed);
                    PageList list = new PageList();
                    for (int round = 0; round < 20_000; round++) {
                        int count = random.nextInt(random.nextInt(20) == 0 ? 200 : 3);
                        boolean zeroed = random.nextInt(4) == 0;
                        if (zeroed
                                ? allocator.reserveZeroed(count, list)
                                : allocator.reserve(count, list)) {
                            for (int i = 0; i < count; i++) {
                                int page = (int) (list.get(i) / PAGE);
                                assertThat(owners.getAndSet(page, 1)).isZero();
                            }
                            for (int i = 0; i < count; i++) {
                                owners.set((int) (list.get(i) / PAGE), 0);
                            }
                            allocator.giveBack(list);
                        }
                    }
                });
        assertThat(allocator.free()).isEqualTo(999);
    }

    private interface Work {
        void run(int n) throws Exception;
    }

    private static void onManyThreads(int threads, Work work)
            throws InterruptedException, ExecutionException {
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            Future<?>[] futures = new Future<?>[threads];
            for (int i = 0; i < threads; i++) {
                int n = i;
                futures[i] =
                        executor.submit(() -> {
                            work.run(n);
                            return null;
                        });
            }
            for (Future<?> future : futures) {
                future.get();
            }
        }
    }

    private void dirty(PageList list) {
        for (int i = 0; i < list.size(); i++) {
            memory.storePlain(list.get(i) + 8L * (i % 512), -1);
        }
    }

    private PageList cleaned(PageList list) {
        for (int i = 0; i < list.size(); i++) {
            memory.fill(list.get(i), 0, 0, 512);
        }
        return list;
    }

    private boolean isZero(long page) {
        for (int i = 0; i < 512; i++) {
            if (memory.loadPlain(page + 8L * i) != 0) {
                return false;
            }
        }
        return true;
    }

    @Test
    void aPartOfAMemoryIsHandedOutWholeAndNothingElse() {
        TableAllocator inside =
                new SlabAllocator(PhysicalMemory.allocate(1 << 20).part(0x40000, 0x10000));
        PageList list = new PageList();

        assertThat(inside.capacity()).isEqualTo(16);
        assertThat(inside.reserve(16, list)).isTrue();
        assertThat(inside.take()).isEqualTo(-1);
        for (int i = 0; i < 16; i++) {
            assertThat(list.get(i)).isBetween(0x40000L, 0x4f000L);
        }
    }

    @Test
    void trimGivesMemoryBackAndKeepsThePages() {
        PhysicalMemory large = PhysicalMemory.allocate(513 * 4096);
        SlabAllocator slab = new SlabAllocator(large);
        PageList list = new PageList();
        slab.reserve(400, list);
        for (int i = 0; i < list.size(); i++) {
            large.storePlain(list.get(i), -1);
        }
        long kept = list.removeLast();
        slab.giveBack(list);

        long trimmed = slab.trim();

        assertThat(slab.free()).isEqualTo(511);
        assertThat(large.loadPlain(kept)).isEqualTo(-1);
        assertThat(trimmed)
                .as("none where the system takes nothing")
                .matches(n -> n == 0 || n >= 399);
        assertThat(slab.reserveZeroed(511, list)).isTrue();
        for (int i = 0; i < list.size(); i++) {
            assertThat(large.loadPlain(list.get(i))).isZero();
        }
        assertThat(slab.take()).isEqualTo(-1);
    }
}
