package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.emulator.HandDriver.BLOCK;
import static org.iommu4j.emulator.HandDriver.PAGE;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A driver that is right raises nothing, whatever the unit is like and however devices race. */
class SanitizerSilenceTest {

    private static final int BLOCKS = 4;
    private static final long OUT = BLOCKS * BLOCK;
    private static final int PAGES = 512;
    private static final int OPERATIONS = Boolean.getBoolean("iommu4j.long") ? 200_000 : 800;

    static Stream<Arguments> machines() {
        List<Arguments> all = new ArrayList<>();
        EmulatorOptions legacy = EmulatorOptions.legacy().memory(2 * OUT).tableMemory(4 << 20);
        for (CacheBehaviour caches : CacheBehaviour.values()) {
            EmulatorOptions plain = legacy.caches(caches).iotlbEntries(64);
            addAll(all, caches + ", legacy", plain);
            addAll(all, caches + ", first stage", plain.scalable(true));
            addAll(all, caches + ", second stage", plain.scalable(true).firstStage(false));
            all.add(
                    Arguments.of(
                            caches + ", first stage, only page walks snoop",
                            plain.scalable(true).coherent(false).pageWalkCoherent(true)));
            all.add(
                    Arguments.of(
                            caches + ", first stage, only page walks do not snoop",
                            plain.scalable(true).pageWalkCoherent(false)));
        }
        return all.stream();
    }

    private static void addAll(List<Arguments> all, String mode, EmulatorOptions plain) {
        all.add(Arguments.of(mode + ", coherent", plain));
        all.add(Arguments.of(mode + ", non-coherent", plain.coherent(false)));
        all.add(Arguments.of(mode + ", caching mode", plain.cachingMode(true)));
        all.add(Arguments.of(mode + ", write buffers", plain.writeBufferFlush(true)));
        all.add(
                Arguments.of(
                        mode + ", non-coherent, caching mode, write buffers",
                        plain.coherent(false).cachingMode(true).writeBufferFlush(true)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("machines")
    void nothingIsFoundInADriverThatIsRight(String name, EmulatorOptions options) throws Exception {
        long seed = 20261123;
        try (HandDriver driver = new HandDriver(options.seed(seed))) {
            for (long page = OUT; page < 2 * OUT; page += PAGE) {
                driver.memory.storeRelease(page, page);
            }
            driver.attach();
            AtomicLong wrong = new AtomicLong();
            CountDownLatch done = new CountDownLatch(1);
            List<Thread> devices = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                SplittableRandom random = new SplittableRandom(seed + 1 + i);
                devices.add(
                        Thread.ofPlatform()
                                .name("device " + i)
                                .start(() -> use(driver, random, done, wrong)));
            }
            work(driver, new SplittableRandom(seed));
            done.countDown();
            for (Thread device : devices) {
                device.join();
            }
            assertThat(driver.sanitizer().findings()).as("%s, seed %d", name, seed).isEmpty();
            assertThat(wrong).as("wrong words, seed %d", seed).hasValue(0);
        }
    }

    private static void use(
            HandDriver driver, SplittableRandom random, CountDownLatch done, AtomicLong wrong) {
        while (done.getCount() > 0) {
            long iova = random.nextLong(BLOCKS * BLOCK) & -PAGE;
            long word = driver.word(iova);
            if (word != -1 && word != OUT + iova) {
                wrong.incrementAndGet();
            }
            if (random.nextInt(4) == 0) {
                driver.write(iova, OUT + iova);
            }
        }
    }

    private static void work(HandDriver driver, SplittableRandom random) {
        boolean[][] mapped = new boolean[BLOCKS][PAGES];
        boolean[] any = new boolean[BLOCKS];
        for (int i = 0; i < OPERATIONS; i++) {
            int block = random.nextInt(BLOCKS);
            int page = random.nextInt(PAGES);
            long iova = block * BLOCK + page * PAGE;
            if (!any[block]) {
                driver.mapBlock(block * BLOCK, OUT + block * BLOCK);
                Arrays.fill(mapped[block], true);
                any[block] = true;
            } else if (random.nextInt(40) == 0) {
                driver.unmapBlock(block * BLOCK);
                any[block] = false;
                driver.returnTables();
            } else if (random.nextInt(20) == 0) {
                driver.split(block * BLOCK);
            } else if (mapped[block][page]) {
                driver.unmapPage(iova);
                mapped[block][page] = false;
            } else {
                driver.mapPage(iova, OUT + iova);
                mapped[block][page] = true;
            }
        }
    }
}
