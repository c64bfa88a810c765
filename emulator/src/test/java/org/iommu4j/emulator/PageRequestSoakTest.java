package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.emulator.PagingDriver.FAILURE;
import static org.iommu4j.emulator.PagingDriver.INVALID;
import static org.iommu4j.emulator.PagingDriver.LATER;
import static org.iommu4j.emulator.PagingDriver.PAGE;
import static org.iommu4j.emulator.PagingDriver.SUCCESS;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.iommu4j.emulator.PagingDriver.Group;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Four devices whose threads want pages that come and go: what is answered at once, later, by
 * another thread, or refused, and devices that are detached and attached meanwhile.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PageRequestSoakTest {

    private static final int DEVICES = 4;
    private static final int THREADS = 2;
    private static final int PAGES = 96;
    private static final boolean LONG = Boolean.getBoolean("iommu4j.long");
    private static final int ANSWERS = LONG ? 20_000 : 600;

    private final AtomicBoolean settled = new AtomicBoolean();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final Queue<Group> delayed = new ConcurrentLinkedQueue<>();

    /* Groups that are answered later and have not been yet, also the one in its thread's hands. */
    private final AtomicInteger owed = new AtomicInteger();

    @ParameterizedTest
    @EnumSource(CacheBehaviour.class)
    void everyRequestIsAnsweredAndEveryDmaEnds(CacheBehaviour caches) throws Exception {
        long seed = LONG ? System.nanoTime() : 11;
        System.out.println("PageRequestSoakTest " + caches + " seed " + seed);
        EmulatorOptions options = PagingDriver.options().caches(caches).seed(seed);
        PagingDriver driver = new PagingDriver(options);
        try (driver) {
            run(driver, seed);
        }
        assertThat(driver.sanitizer().findings()).as("seed %d", seed).isEmpty();
    }

    private void run(PagingDriver driver, long seed) throws Exception {
        Random answers = new Random(seed);
        driver.policy = group -> decide(group, answers.nextInt(8));
        List<CompletableFuture<Void>> devices = new ArrayList<>();
        for (int i = 0; i < DEVICES; i++) {
            driver.attach(i, 8 << i);
        }
        List<Thread> software =
                List.of(
                        Thread.ofPlatform().start(() -> page(driver)),
                        Thread.ofPlatform().start(() -> answerLate(driver)),
                        Thread.ofPlatform().start(() -> evict(driver, new Random(seed + 1))));
        for (int i = 0; i < DEVICES; i++) {
            for (int j = 0; j < THREADS; j++) {
                int strand = i * THREADS + j;
                Device device = driver.device(i);
                Device master = j == 0 ? device : device.withPasid(1 + j % PagingDriver.SPACES);
                devices.add(
                        CompletableFuture.runAsync(
                                () -> dma(driver, master, strand, new Random(seed + strand)),
                                Thread.ofPlatform()::start));
            }
        }
        Thread mover = Thread.ofPlatform().start(() -> move(driver));
        for (CompletableFuture<Void> device : devices) {
            device.get(200, TimeUnit.SECONDS);
        }
        /* Whoever moves a device waits for answers: they are given until it has ended. */
        settled.set(true);
        mover.join();
        stop.set(true);
        for (Thread thread : software) {
            thread.join();
        }
        for (int i = 0; i < DEVICES; i++) {
            driver.detach(i);
            while (answerOne(driver, INVALID)) {
                // until none is left
            }
        }
    }

    private int decide(Group group, int choice) {
        return switch (choice) {
            case 0 -> INVALID;
            case 1 -> FAILURE;
            case 2, 3 -> {
                owed.incrementAndGet();
                delayed.add(group);
                yield LATER;
            }
            default -> SUCCESS;
        };
    }

    private void page(PagingDriver driver) {
        while (!stop.get()) {
            if (driver.serve() == 0) {
                LockSupport.parkNanos(20_000);
            }
        }
    }

    private void answerLate(PagingDriver driver) {
        while (!stop.get()) {
            if (!answerOne(driver, SUCCESS)) {
                LockSupport.parkNanos(50_000);
            }
        }
    }

    private boolean answerOne(PagingDriver driver, int code) {
        Group group = delayed.poll();
        if (group == null) {
            return false;
        }
        if (code == SUCCESS) {
            group.pages().forEach(driver::mapPage);
        }
        driver.answer(group, code);
        owed.decrementAndGet();
        return true;
    }

    private void evict(PagingDriver driver, Random random) {
        while (!stop.get()) {
            for (int i = 0; i < PAGES / 4; i++) {
                driver.unmapPage(random.nextInt(PAGES) * PAGE);
            }
            LockSupport.parkNanos(20_000);
        }
    }

    /* The last device comes and goes; what it had asked for is answered before it comes back. */
    private void move(PagingDriver driver) {
        while (!settled.get()) {
            driver.detach(DEVICES - 1);
            while (owed.get() != 0) {
                LockSupport.parkNanos(20_000);
            }
            driver.attach(DEVICES - 1, 16);
        }
    }

    /* Each strand has a word of its own in every page. */
    private static void dma(PagingDriver driver, Device device, int strand, Random random) {
        long[] values = new long[PAGES];
        ByteBuffer buffer = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; driver.answered < ANSWERS; i++) {
            if (i % 8 == 0) {
                LockSupport.parkNanos(20_000);
            }
            int page = random.nextInt(PAGES);
            long iova = page * PAGE + strand * 8L;
            buffer.clear();
            switch (random.nextInt(3)) {
                case 0 -> {
                    buffer.putLong(0, i + 1);
                    values[page] = device.write(iova, buffer).isDone() ? i + 1 : values[page];
                }
                case 1 -> {
                    if (device.read(iova, buffer).isDone()) {
                        assertThat(buffer.getLong(0)).isEqualTo(values[page]);
                    }
                }
                default -> {
                    DmaOutcome outcome = device.fetchAndAdd(iova, 1, buffer);
                    if (outcome.isDone()) {
                        assertThat(buffer.getLong(0)).isEqualTo(values[page]);
                        values[page]++;
                    }
                }
            }
        }
    }
}
