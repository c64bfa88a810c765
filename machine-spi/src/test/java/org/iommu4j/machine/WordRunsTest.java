package org.iommu4j.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs of words: filled, counted, searched and cleared as a loop over single words would. */
class WordRunsTest {

    private static final long PAGE = 0x3000;
    private static final int WORDS = PhysicalMemory.PAGE_SIZE / Long.BYTES;
    private static final int SEED = 25;
    private static final int ROUNDS = 2000;

    private final PhysicalMemory memory = PhysicalMemory.allocate(0x8000);
    private final PhysicalMemory observed = memory.observedBy(new MemoryObserver() {});

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void likeALoopOverSingleWords(boolean seen) {
        PhysicalMemory face = seen ? observed : memory;
        Random random = new Random(SEED);
        for (int round = 0; round < ROUNDS; round++) {
            int from = random.nextInt(WORDS);
            int count = random.nextInt(WORDS - from + 1);
            long first = random.nextLong();
            long step = random.nextBoolean() ? 0 : 1L << random.nextInt(Long.SIZE);
            long address = PAGE + (long) from * Long.BYTES;
            long before = memory.loadPlain(PAGE - Long.BYTES);
            face.fill(address, first, step, count);
            String what = "seed " + SEED + ", round " + round;
            for (int i = 0; i < count; i++) {
                assertThat(word(from + i)).as(what).isEqualTo(first + i * step);
            }
            assertThat(memory.loadPlain(PAGE - Long.BYTES)).as(what).isEqualTo(before);
            scatter(random);
            long bits =
                    1L << random.nextInt(Long.SIZE)
                            | random.nextLong() >>> random.nextInt(Long.SIZE);
            assertThat(face.countAny(address, bits, count))
                    .as(what)
                    .isEqualTo(count(from, count, bits));
            assertThat(face.findAny(address, bits, count))
                    .as(what)
                    .isEqualTo(find(from, count, bits));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void bitsAreClearedUpToAWordThatHasNone(boolean seen) {
        PhysicalMemory face = seen ? observed : memory;
        Random random = new Random(SEED);
        for (int round = 0; round < ROUNDS; round++) {
            String what = "seed " + SEED + ", round " + round;
            long bits = 5L << random.nextInt(Long.SIZE);
            int from = random.nextInt(WORDS);
            int run = random.nextInt(Math.min(40, WORDS - from) + 1);
            int count = random.nextInt(Math.min(50, WORDS - from) + 1);
            long[] before = new long[WORDS];
            for (int i = 0; i < WORDS; i++) {
                boolean set = i >= from && i < from + run;
                long any = random.nextLong();
                before[i] = set ? any | Long.lowestOneBit(bits) : any & ~bits;
                memory.storePlain(PAGE + (long) i * Long.BYTES, before[i]);
            }
            int cleared = face.clearRun(PAGE + (long) from * Long.BYTES, bits, count);
            assertThat(cleared).as(what).isEqualTo(Math.min(run, count));
            for (int i = 0; i < WORDS; i++) {
                boolean within = i >= from && i < from + cleared;
                assertThat(word(i)).as(what).isEqualTo(within ? before[i] & ~bits : before[i]);
            }
        }
    }

    /* The other thread sets bit 0 of each word again with each of the other bits, so there is always something to clear. */
    @Test
    void whatAnotherThreadSetsIsKept() throws InterruptedException {
        for (int round = 0; round < 20; round++) {
            memory.fill(PAGE, 0, 0, WORDS);
            Thread sets = Thread.ofPlatform().start(this::setEveryBitOfEachWord);
            while (sets.isAlive()) {
                int from = memory.findAny(PAGE, 1, WORDS);
                memory.clearRun(PAGE + (long) from * Long.BYTES, 1, WORDS - from);
            }
            sets.join();
            for (int i = 0; i < WORDS; i++) {
                assertThat(word(i) | 1).as("word %d", i).isEqualTo(-1);
            }
        }
    }

    private void setEveryBitOfEachWord() {
        for (int shift = 1; shift < Long.SIZE; shift++) {
            for (int i = 0; i < WORDS; i++) {
                long address = PAGE + (long) i * Long.BYTES;
                long bits = 1L << shift | 1;
                long word = memory.loadAcquire(address);
                long found = memory.compareAndExchange(address, word, word | bits);
                while (found != word) {
                    word = found;
                    found = memory.compareAndExchange(address, word, word | bits);
                }
            }
        }
    }

    @Test
    void aRunStaysInItsPage() {
        long last = PAGE + PhysicalMemory.PAGE_SIZE - Long.BYTES;
        assertThat(memory.findAny(last, -1, 1)).isEqualTo(1);
        assertThatThrownBy(() -> memory.findAny(last, -1, 2))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessageContaining("0x3ff8");
        assertThatThrownBy(() -> memory.countAny(last, -1, 2))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> memory.fill(last, 0, 0, 2))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> memory.clearRun(last, -1, 2))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(memory.clearRun(last, -1, 0)).isZero();
        assertThatThrownBy(() -> memory.findAny(0x8000, -1, 1))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> memory.findAny(PAGE + 4, -1, 1))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(memory.findAny(PAGE + 4, -1, 0)).isZero();
    }

    private void scatter(Random random) {
        memory.fill(PAGE, 0, 0, WORDS);
        for (int i = random.nextInt(20); i > 0; i--) {
            memory.storePlain(PAGE + (long) random.nextInt(WORDS) * Long.BYTES, random.nextLong());
        }
    }

    private int count(int from, int count, long bits) {
        int found = 0;
        for (int i = 0; i < count; i++) {
            found += (word(from + i) & bits) != 0 ? 1 : 0;
        }
        return found;
    }

    private int find(int from, int count, long bits) {
        int i = 0;
        while (i < count && (word(from + i) & bits) == 0) {
            i++;
        }
        return i;
    }

    private long word(int index) {
        return memory.loadPlain(PAGE + (long) index * Long.BYTES);
    }
}
