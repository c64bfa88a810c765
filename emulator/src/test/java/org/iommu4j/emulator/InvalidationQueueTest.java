package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The queue: what is taken from it, in which order, and how it stands after an error. */
@Timeout(60)
class InvalidationQueueTest {

    private static final int IQE = 1 << 4;
    private static final int ICE = 1 << 5;
    private static final int ITE = 1 << 6;
    private static final long WAIT = 1 << 5 | 5;

    @Test
    void goesRoundManyTimes() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            for (int i = 0; i < 1000; i++) {
                rig.await();
                assertThat(rig.registers.read32(Rig.IQH)).isEqualTo((i + 1) * 16 % 4096);
            }
        }
    }

    @Test
    void aLargeQueueHasMorePages() {
        try (Rig rig = new Rig(Rig.options())) {
            long queue = rig.page();
            rig.page();
            rig.registers.write64(Rig.IQA, queue | 1);
            rig.registers.write32(Rig.GCMD, Rig.QIE);
            for (int at = 0; at < 0x2000; at += 16) {
                rig.memory.storeRelease(queue + at, (long) at << 32 | WAIT);
                rig.memory.storeRelease(queue + at + 8, rig.status);
            }
            rig.registers.write32(Rig.IQT, 0x1ff0);
            assertThat(rig.registers.read32(Rig.IQH)).isEqualTo(0x1ff0);
            assertThat(rig.memory.loadAcquire(rig.status)).isEqualTo(0x1fe0);
            rig.registers.write32(Rig.IQT, 0);
            assertThat(rig.registers.read32(Rig.IQH)).isZero();
            assertThat(rig.memory.loadAcquire(rig.status)).isEqualTo(0x1ff0);
        }
    }

    @Test
    void aWaitWritesFourBytesAndSaysThatItIsComplete() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            rig.memory.storeRelease(rig.status, -1);
            rig.submit(7L << 32 | WAIT, rig.status + 4);
            assertThat(rig.memory.loadAcquire(rig.status)).isEqualTo(7L << 32 | 0xffff_ffffL);
            assertThat(rig.registers.read32(Rig.ICS)).isZero();
            rig.submit(1 << 4 | 5, 0);
            assertThat(rig.registers.read32(Rig.ICS)).isEqualTo(1);
            assertThat(rig.registers.read32(Rig.IECTL)).isEqualTo(3 << 30);
            rig.registers.write32(Rig.ICS, 1);
            assertThat(rig.registers.read32(Rig.ICS)).isZero();
            assertThat(rig.registers.read32(Rig.IECTL)).isEqualTo(1 << 31);
        }
    }

    @Test
    void aStatusThatReachesNoMemoryIsLost() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            rig.submit(7L << 32 | WAIT, 1L << 40);
            rig.await();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "type 0, 0x0, 0x0, 3",
        "device TLB, 0x3, 0x0, 3",
        "PASID IOTLB, 0x26, 0x0, 3",
        "PASID cache, 0x37, 0x0, 3",
        "type of three more bits, 0x211, 0x0, 3",
        "context cache of no granularity, 0x1, 0x0, 4",
        "context cache with a reserved bit, 0x51, 0x0, 4",
        "context cache with a high word, 0x11, 0x1, 4",
        "IOTLB of no granularity, 0x2, 0x0, 4",
        "IOTLB with a reserved bit, 0x112, 0x0, 4",
        "IOTLB with a source, 0x100000012, 0x0, 4",
        "IOTLB with a reserved bit of the high word, 0x12, 0x80, 4",
        "mask too large, 0x50032, 0x13, 4",
        "wait for page requests, 0xa5, 0x0, 4",
        "status that is not aligned, 0x25, 0x1, 4"
    })
    void whatIsMalformedStopsTheQueue(String what, String low, String high, int error) {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            rig.await();
            rig.submit(Long.decode(low), Long.decode(high));
            assertThat(rig.registers.read32(Rig.FSTS)).isEqualTo(IQE);
            assertThat(rig.registers.read64(Rig.IQERCD)).isEqualTo(error);
            assertThat(rig.registers.read32(Rig.IQH)).isEqualTo(16);
            rig.submit(99L << 32 | WAIT, rig.status);
            assertThat(rig.memory.loadAcquire(rig.status)).isEqualTo(1);
            /* Software makes something legal of it, and lets the queue go on. */
            rig.memory.storeRelease(rig.queue + 16, 7L << 32 | WAIT);
            rig.memory.storeRelease(rig.queue + 24, rig.status + 8);
            rig.registers.write32(Rig.FSTS, IQE);
            assertThat(rig.registers.read32(Rig.FSTS)).isZero();
            assertThat(rig.memory.loadAcquire(rig.status)).isEqualTo(99);
            assertThat(rig.memory.loadAcquire(rig.status + 8)).isEqualTo(7);
        }
    }

    @Test
    void theQueueMustBeNarrowAndReachableAndItsTailInside() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.registers.write32(Rig.GCMD, Rig.QIE);
            rig.registers.write64(Rig.IQA, rig.queue | 1 << 11);
            rig.registers.write32(Rig.IQT, 16);
            expectError(rig, 5);
            rig.registers.write64(Rig.IQA, rig.queue);
            rig.registers.write32(Rig.IQT, 4096);
            expectError(rig, 1);
            rig.registers.write64(Rig.IQA, 1L << 40);
            rig.registers.write32(Rig.IQT, 16);
            expectError(rig, 2);
        }
    }

    @Test
    void pageSelectiveInvalidationIsRefusedWhereThereIsNone() {
        try (Rig rig = new Rig(Rig.options().pageSelective(false))) {
            rig.attach(48);
            rig.submit(Rig.DOMAIN << 16 | 3 << 4 | 2, 0x1000);
            assertThat(rig.registers.read64(Rig.IQERCD)).isEqualTo(4);
        }
    }

    @Test
    void aQueueThatIsTurnedOnBeginsAtItsStart() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            rig.await();
            rig.registers.write32(Rig.GCMD, Rig.TE);
            assertThat(rig.registers.read32(Rig.IQH)).isZero();
            rig.registers.write32(Rig.IQT, 0);
            rig.registers.write32(Rig.GCMD, Rig.TE | Rig.QIE);
            rig.await();
            assertThat(rig.registers.read32(Rig.IQH)).isEqualTo(16);
        }
    }

    @Test
    void interruptEntriesMayBeInvalidatedThoughThereAreNone() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            rig.submit(4, 0);
            rig.await();
        }
    }

    @Test
    void aQueueErrorComesBackUntilTheUnitIsContent() {
        Queue<QueueTrouble> troubles =
                new ArrayDeque<>(List.of(QueueTrouble.QUEUE_ERROR, QueueTrouble.QUEUE_ERROR));
        try (Rig rig = troubled(troubles)) {
            rig.submit(1L << 32 | WAIT, rig.status);
            assertThat(rig.registers.read32(Rig.FSTS)).isEqualTo(IQE);
            rig.registers.write32(Rig.FSTS, IQE);
            assertThat(rig.registers.read32(Rig.FSTS)).isEqualTo(IQE);
            rig.registers.write32(Rig.FSTS, IQE);
            assertThat(rig.memory.loadAcquire(rig.status)).isEqualTo(1);
        }
    }

    @Test
    void aCompletionErrorStopsBehindTheDescriptor() {
        try (Rig rig = troubled(new ArrayDeque<>(List.of(QueueTrouble.COMPLETION_ERROR)))) {
            rig.submit(1L << 32 | WAIT, rig.status);
            rig.submit(2L << 32 | WAIT, rig.status);
            assertThat(rig.registers.read32(Rig.FSTS)).isEqualTo(ICE);
            assertThat(rig.memory.loadAcquire(rig.status)).isEqualTo(1);
            rig.registers.write32(Rig.FSTS, ICE);
            assertThat(rig.memory.loadAcquire(rig.status)).isEqualTo(2);
        }
    }

    @Test
    void aTimeOutAbortsEveryWaitThatIsUnderWay() {
        Queue<QueueTrouble> troubles =
                new ArrayDeque<>(List.of(QueueTrouble.STANDS_STILL, QueueTrouble.STANDS_STILL));
        try (Rig rig = troubled(troubles)) {
            put(rig, 0, 1 << 4 | 1, 0);
            put(rig, 1, 1L << 32 | WAIT, rig.status);
            put(rig, 2, 2L << 32 | WAIT, rig.status);
            rig.registers.write32(Rig.IQT, 48);
            troubles.add(QueueTrouble.TIMED_OUT);
            while ((rig.registers.read32(Rig.FSTS) & ITE) == 0) {
                rig.registers.read32(Rig.IQH);
            }
            assertThat(rig.registers.read32(Rig.IQH)).isEqualTo(48);
            put(rig, 3, 3L << 32 | WAIT, rig.status);
            rig.registers.write32(Rig.IQT, 64);
            assertThat(rig.memory.loadAcquire(rig.status)).isZero();
            rig.registers.write32(Rig.FSTS, ITE);
            assertThat(rig.memory.loadAcquire(rig.status)).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aThreadOfTheUnitsDoesTheWorkUntilTheMachineIsClosed(boolean standsStill) {
        Queue<QueueTrouble> troubles = new ArrayDeque<>();
        if (standsStill) {
            troubles.addAll(List.of(QueueTrouble.STANDS_STILL, QueueTrouble.STANDS_STILL));
        }
        EmulatorOptions options =
                Rig.options().queueThread(true).queueTrouble(() -> next(troubles));
        try (Rig rig = new Rig(options)) {
            rig.attach(48);
            rig.submit(1L << 32 | WAIT, rig.status);
            while (rig.memory.loadAcquire(rig.status) != 1) {
                LockSupport.parkNanos(1000);
            }
            rig.machine.close();
            rig.submit(2L << 32 | WAIT, rig.status);
            while (rig.memory.loadAcquire(rig.status) != 2) {
                LockSupport.parkNanos(1000);
            }
        }
    }

    @Test
    void registersInvalidateWhileTheQueueIsOff() {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            rig.registers.write32(Rig.GCMD, Rig.TE);
            long entry = rig.map(root, 48, 0x1000, 0x5000, Rig.KIB4, Rig.RW);
            int iotlb = (int) (rig.registers.read64(Rig.ECAP) >>> 8 & 0x3ff) * 16;
            long[] commands = {
                3L << 60 | (long) Rig.DOMAIN << 32,
                2L << 60 | (long) Rig.DOMAIN << 32,
                1L << 60 | 3L << 48
            };
            for (long command : commands) {
                rig.memory.storeRelease(entry, 0x5000 | Rig.RW);
                rig.word(0x1000);
                rig.memory.storeRelease(entry, 0);
                rig.word(0x1000);
                rig.registers.write64(iotlb, 0x1000);
                rig.registers.write64(iotlb + 8, 1L << 63 | command);
                assertThat(rig.registers.read64(iotlb + 8))
                        .isEqualTo(command | (command >>> 60 & 3) << 57);
                assertThat(rig.read(0x1000).isDone()).isFalse();
            }
            rig.context(0, 0);
            assertThat(rig.read(0x1000).code()).isEqualTo(6);
            for (long granularity = 1; granularity <= 3; granularity++) {
                long command =
                        granularity << 61
                                | (long) rig.device.source().requester() << 16
                                | Rig.DOMAIN;
                rig.context(root | 1, Rig.DOMAIN << 8 | 2);
                assertThat(rig.read(0x1000).code()).isEqualTo(6);
                rig.context(0, 0);
                assertThat(rig.read(0x1000).code()).isEqualTo(6);
                rig.registers.write64(Rig.CCMD, 1L << 63 | command);
                assertThat(rig.registers.read64(Rig.CCMD)).isEqualTo(command | granularity << 59);
                assertThat(rig.read(0x1000).code()).isEqualTo(FaultReason.CONTEXT_NOT_PRESENT);
            }
        }
    }

    @Test
    void registersInvalidateNothingWhileTheQueueIsOn() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            rig.registers.write64(Rig.CCMD, 1L << 63 | 1L << 61);
            assertThat(rig.registers.read64(Rig.CCMD)).isEqualTo(1L << 61);
            int iotlb = (int) (rig.registers.read64(Rig.ECAP) >>> 8 & 0x3ff) * 16;
            rig.registers.write64(iotlb + 8, 1L << 63 | 1L << 60);
            assertThat(rig.registers.read64(iotlb + 8)).isEqualTo(1L << 60);
        }
    }

    private static Rig troubled(Queue<QueueTrouble> troubles) {
        Rig rig = new Rig(Rig.options().queueTrouble(() -> next(troubles)));
        rig.attach(48);
        return rig;
    }

    private static QueueTrouble next(Queue<QueueTrouble> troubles) {
        QueueTrouble next = troubles.poll();
        return next == null ? QueueTrouble.NONE : next;
    }

    private static void put(Rig rig, int index, long low, long high) {
        rig.memory.storeRelease(rig.queue + index * 16L, low);
        rig.memory.storeRelease(rig.queue + index * 16L + 8, high);
    }

    private static void expectError(Rig rig, int error) {
        assertThat(rig.registers.read32(Rig.FSTS)).isEqualTo(IQE);
        assertThat(rig.registers.read64(Rig.IQERCD)).isEqualTo(error);
        rig.registers.write32(Rig.IQT, 0);
        rig.registers.write32(Rig.FSTS, IQE);
        assertThat(rig.registers.read32(Rig.FSTS)).isZero();
    }
}
