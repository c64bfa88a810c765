package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.iommu4j.machine.PhysicalMemory;
import org.junit.jupiter.api.Test;

/** What a unit sees of what software stores: the processor's cache, the write buffer. */
class LagTest {

    private static final int SEEDS = 64;
    private static final long TABLES = 0x4000;
    private static final long WORD = TABLES + 0x40;

    private final PhysicalMemory raw = PhysicalMemory.allocate(0x8000);
    private final Moments moments = new Moments();

    private ProcessorCache cache(long seed) {
        return new ProcessorCache(raw, TABLES, 0x4000, moments, seed);
    }

    private PhysicalMemory seenBy(Lag lag) {
        return raw.observedBy(lag);
    }

    @Test
    void aLineIsSeenWhenItWasWrittenBackAndFenced() {
        Set<Long> dirty = new HashSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            raw.storeRelease(WORD, 0);
            ProcessorCache cache = cache(seed);
            PhysicalMemory software = seenBy(cache);
            software.storeRelease(WORD, 7);
            assertThat(cache.unwrittenSince(WORD + 8)).isPositive();
            software.writeBack(WORD, 8);
            dirty.add(cache.load(WORD));
            software.fence();
            assertThat(cache.load(WORD)).as("seed %d", seed).isEqualTo(7);
            assertThat(cache.unwrittenSince(WORD)).isZero();
            assertThat(cache.changedAt(WORD)).isZero();
        }
        assertThat(dirty).as("what was seen before the fence").containsExactlyInAnyOrder(0L, 7L);
    }

    @Test
    void aStoreAfterTheWriteBackIsDirtyAgain() {
        Set<Long> seen = new HashSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            raw.storeRelease(WORD, 0);
            ProcessorCache cache = cache(seed);
            PhysicalMemory software = seenBy(cache);
            software.storeRelease(WORD, 1);
            software.writeBack(WORD, 8);
            software.compareAndExchange(WORD, 1, 2);
            software.fence();
            assertThat(cache.unwrittenSince(WORD)).isPositive();
            seen.add(cache.load(WORD));
        }
        assertThat(seen).containsExactlyInAnyOrder(1L, 2L);
    }

    @Test
    void aLineMayArriveByItselfBetweenTwoStores() {
        Set<Long> seen = new HashSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            raw.storeRelease(WORD, 0);
            ProcessorCache cache = cache(seed);
            PhysicalMemory software = seenBy(cache);
            software.storeRelease(WORD, 1);
            software.storeRelease(WORD, 2);
            seen.add(cache.load(WORD));
        }
        assertThat(seen).containsExactlyInAnyOrder(0L, 1L, 2L);
    }

    @Test
    void theMomentOfAChangeIsThatOfItsWord() {
        ProcessorCache cache = cache(1);
        PhysicalMemory software = seenBy(cache);
        software.storeRelease(WORD, 1);
        long between = moments.tick();
        software.storeRelease(WORD + 8, 1);
        assertThat(cache.changedAt(WORD)).isLessThan(between).isPositive();
        assertThat(cache.changedAt(WORD + 16)).isZero();
    }

    @Test
    void otherMemoryIsCoherent() {
        ProcessorCache cache = cache(1);
        seenBy(cache).storeRelease(0x40, 5);
        assertThat(cache.load(0x40)).isEqualTo(5);
        WriteBuffer buffer = new WriteBuffer(raw, TABLES, 0x4000, moments, 1);
        seenBy(buffer).storeRelease(0x48, 6);
        assertThat(buffer.load(0x48)).isEqualTo(6);
    }

    @Test
    void bufferedStoresAreSeenInTheirOrderAndAfterAFlush() {
        Set<Long> seen = new HashSet<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            raw.storeRelease(WORD, 0);
            raw.storeRelease(WORD + 0x1000, 0);
            WriteBuffer buffer = new WriteBuffer(raw, TABLES, 0x4000, moments, seed);
            PhysicalMemory software = seenBy(buffer);
            software.storeRelease(WORD, 1);
            software.storeRelease(WORD + 0x1000, 1);
            long second = buffer.load(WORD + 0x1000);
            long first = buffer.load(WORD);
            seen.add(first);
            assertThat(first).as("seed %d", seed).isGreaterThanOrEqualTo(second);
            long before = moments.now();
            buffer.flushWriteBuffers();
            assertThat(moments.lastFlush()).isGreaterThan(before);
            assertThat(buffer.load(WORD) + buffer.load(WORD + 0x1000)).isEqualTo(2);
            assertThat(buffer.changedAt(WORD)).isZero();
        }
        assertThat(seen).containsExactlyInAnyOrder(0L, 1L);
    }
}
