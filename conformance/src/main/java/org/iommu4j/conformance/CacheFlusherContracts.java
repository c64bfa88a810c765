package org.iommu4j.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.machine.PhysicalMemory;

/** What every cache flusher keeps. One that is not needed is asked nothing else. */
public final class CacheFlusherContracts {

    private static final int WORDS = PhysicalMemory.PAGE_SIZE / Long.BYTES;
    private static final long SEED = 20261123;

    private static final List<Contract<CacheFlusherProvider>> ALL =
            List.of(
                    new Contract<>(
                            "S7",
                            "whether it is needed never changes",
                            CacheFlusherContracts::needIsConstant),
                    new Contract<>(
                            "S7",
                            "children have reached memory when the fence before their parent ends",
                            CacheFlusherContracts::childrenComeBeforeTheirParent),
                    new Contract<>(
                            "S7",
                            "every line of every store is written back, wherever it lies",
                            CacheFlusherContracts::everyLineIsWrittenBack),
                    new Contract<>(
                            "S7",
                            "what is stored again is written back again",
                            CacheFlusherContracts::storesAreWrittenBackAgain),
                    new Contract<>(
                            "S7",
                            "threads do not lose each other's stores",
                            CacheFlusherContracts::threadsKeepTheirOwn));

    private CacheFlusherContracts() {}

    /** {@return the contracts} */
    public static List<Contract<CacheFlusherProvider>> all() {
        return ALL;
    }

    private static void needIsConstant(CacheFlusherProvider provider, Evidence evidence) {
        PhysicalMemory memory = PhysicalMemory.allocate(PhysicalMemory.PAGE_SIZE);
        CacheFlusher flusher = provider.create(memory);
        boolean needed = flusher.isNeeded();
        flusher.written(0, 8);
        flusher.fence();
        evidence.require(
                flusher.isNeeded() == needed && provider.create(memory).isNeeded() == needed,
                () -> "isNeeded() was " + needed + " and is not any more");
        evidence.note("isNeeded() is " + needed);
    }

    private static void childrenComeBeforeTheirParent(
            CacheFlusherProvider provider, Evidence evidence) {
        CacheModel cache = new CacheModel(provider, evidence);
        for (int page = 1; page < 8; page++) {
            cache.store((long) page << PhysicalMemory.PAGE_SHIFT, WORDS);
            cache.store((long) (page + 8) << PhysicalMemory.PAGE_SHIFT, WORDS);
            cache.fence();
            cache.store(page * 8L, 1);
            cache.fence();
        }
    }

    private static void everyLineIsWrittenBack(CacheFlusherProvider provider, Evidence evidence) {
        evidence.note("seed " + SEED);
        CacheModel cache = new CacheModel(provider, evidence);
        long last = cache.size() - Long.BYTES;
        for (long address : new long[] {0, 0x38, 0x40, 0xfc0, 0xff8, 0x1000, last}) {
            cache.store(address, 1);
            cache.fence();
        }
        cache.store(0x2038, 2);
        cache.store(0x3008, WORDS - 1);
        cache.fence();
        Random random = new Random(SEED);
        for (int round = 0; round < 200; round++) {
            for (int i = random.nextInt(40); i >= 0; i--) {
                long address = random.nextLong(cache.size() / Long.BYTES) * Long.BYTES;
                int room = WORDS - (int) (address % PhysicalMemory.PAGE_SIZE) / Long.BYTES;
                cache.store(address, 1 + random.nextInt(Math.min(room, 20)));
            }
            cache.fence();
        }
    }

    private static void storesAreWrittenBackAgain(
            CacheFlusherProvider provider, Evidence evidence) {
        CacheModel cache = new CacheModel(provider, evidence);
        for (int i = 0; i < 4; i++) {
            cache.store(0x1000, 1);
            cache.store(0x1008, 1);
            cache.fence();
        }
    }

    private static void threadsKeepTheirOwn(CacheFlusherProvider provider, Evidence evidence)
            throws InterruptedException {
        CacheModel cache = new CacheModel(provider, evidence);
        List<Throwable> failures = new ArrayList<>();
        cache.store(0x1000, WORDS);
        Thread other =
                Thread.ofPlatform()
                        .daemon()
                        .uncaughtExceptionHandler((thread, e) -> failures.add(e))
                        .start(() -> {
                            cache.store(0x8000, WORDS);
                            cache.fence();
                        });
        other.join(TimeUnit.SECONDS.toMillis(10));
        evidence.require(!other.isAlive(), () -> "a fence had not ended after 10 s");
        failures.forEach(failure -> evidence.broken("in another thread: " + failure.getMessage()));
        cache.fence();
    }
}
