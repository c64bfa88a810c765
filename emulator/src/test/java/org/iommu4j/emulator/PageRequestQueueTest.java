package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.iommu4j.emulator.PageRequestQueue.Receipt;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.Test;

/** The ring of page requests, and its registers. */
class PageRequestQueueTest {

    private static final int HEAD = 0xc0;
    private static final int TAIL = 0xc8;
    private static final int ADDRESS = 0xd0;
    private static final int STATUS = 0xdc;
    private static final int CONTROL = 0xe0;
    private static final int RING = 0x4000;
    private static final int RECORDS = 128;

    private static final PageRequest REQUEST =
            new PageRequest(0x1234, 0xabcde, 0x5678_9123_4fffL, Translation.WRITE, true, 0x155);

    private final PhysicalMemory memory = PhysicalMemory.allocate(1 << 20);
    private final EventRegisters event = new EventRegisters(CONTROL);
    private final PageRequestQueue queue = new PageRequestQueue(memory, event, null, null);

    private void setUp() {
        queue.write(ADDRESS, RING);
    }

    @Test
    void aRecordIsAsTheSpecificationDescribesIt() {
        setUp();
        assertThat(queue.receive(REQUEST)).isEqualTo(Receipt.QUEUED);
        assertThat(memory.loadAcquire(RING)).isEqualTo(0xabcde_1234_0101L);
        assertThat(memory.loadAcquire(RING + 8)).isEqualTo(0x5678_9123_4000L | 0x155 << 3 | 4 | 2);
        assertThat(memory.loadAcquire(RING + 16)).isZero();
        assertThat(memory.loadAcquire(RING + 24)).isZero();
        assertThat(queue.read(TAIL)).isEqualTo(32);
        assertThat(queue.read(HEAD)).isZero();
    }

    @Test
    void aRecordWithoutAnAddressSpaceSaysSo() {
        setUp();
        queue.receive(new PageRequest(8, SourceId.NO_PASID, 0x7000, Translation.READ, false, 3));
        assertThat(memory.loadAcquire(RING)).isEqualTo(0x8_0001L);
        assertThat(memory.loadAcquire(RING + 8)).isEqualTo(0x7000 | 3 << 3 | 1);
    }

    @Test
    void aStopMarkerAsksForNothing() {
        setUp();
        PageRequest marker = PageRequest.stopMarker(8, 5);
        queue.receive(marker);
        assertThat(marker.isStopMarker()).isTrue();
        assertThat(memory.loadAcquire(RING)).isEqualTo(0x5_0008_0101L);
        assertThat(memory.loadAcquire(RING + 8)).isEqualTo(4);
    }

    @Test
    void whatIsPendingIsSignalledOnce() {
        setUp();
        queue.receive(REQUEST);
        assertThat(queue.read(STATUS)).isEqualTo(1);
        assertThat(event.read(CONTROL)).as("masked, pending").isEqualTo(0b11 << 30);
        queue.write(STATUS, 1);
        assertThat(queue.read(STATUS)).isZero();
        assertThat(event.read(CONTROL)).isEqualTo(1 << 31);
        queue.receive(REQUEST);
        assertThat(queue.read(STATUS)).isEqualTo(1);
    }

    @Test
    void theSizeOfTheRingIsItsOwn() {
        queue.write(ADDRESS, RING | 1);
        queue.write(HEAD, 32);
        queue.write(TAIL, 8192 - 32);
        assertThat(queue.receive(REQUEST)).isEqualTo(Receipt.QUEUED);
        assertThat(memory.loadAcquire(RING + 8192 - 32)).isEqualTo(REQUEST.low());
        assertThat(queue.read(TAIL)).as("wrapped").isZero();
        assertThat(queue.receive(REQUEST)).isEqualTo(Receipt.DROPPED);
    }

    @Test
    void aFullRingDropsUntilItIsEmptyAndTheOverflowCleared() {
        setUp();
        for (int i = 0; i < RECORDS - 1; i++) {
            assertThat(queue.receive(REQUEST)).as("request %d", i).isEqualTo(Receipt.QUEUED);
        }
        int tail = queue.read(TAIL);
        assertThat(queue.receive(REQUEST)).isEqualTo(Receipt.DROPPED);
        assertThat(queue.read(STATUS)).isEqualTo(3);
        assertThat(queue.read(TAIL)).isEqualTo(tail);
        queue.write(HEAD, 10 * 32);
        assertThat(queue.receive(REQUEST)).as("not cleared").isEqualTo(Receipt.DROPPED);
        queue.write(STATUS, 2);
        assertThat(queue.receive(REQUEST)).as("not empty").isEqualTo(Receipt.DROPPED);
        assertThat(queue.read(STATUS)).as("nothing is dropped in silence").isEqualTo(3);
        queue.write(HEAD, tail);
        assertThat(queue.receive(REQUEST)).as("empty, not cleared").isEqualTo(Receipt.DROPPED);
        queue.write(STATUS, 3);
        assertThat(queue.receive(REQUEST)).isEqualTo(Receipt.QUEUED);
        assertThat(queue.read(STATUS)).isEqualTo(1);
    }

    @Test
    void whatSoftwareHasNotSetUpTakesNothing() {
        assertThat(queue.receive(REQUEST)).as("no address").isEqualTo(Receipt.REFUSED);
        queue.write(ADDRESS, 1 << 24);
        assertThat(queue.receive(REQUEST)).as("no memory there").isEqualTo(Receipt.REFUSED);
        setUp();
        queue.write(TAIL, 4096);
        assertThat(queue.receive(REQUEST)).as("tail behind the end").isEqualTo(Receipt.REFUSED);
        assertThat(queue.read(STATUS)).isZero();
    }

    @Test
    void reservedBitsOfRegistersStayClear() {
        queue.write(ADDRESS, -1);
        queue.write(ADDRESS + 4, -1);
        queue.write(HEAD, -1);
        queue.write(TAIL, -1);
        assertThat(queue.read(ADDRESS)).isEqualTo(0xfffff007);
        assertThat(queue.read(ADDRESS + 4)).isEqualTo(-1);
        assertThat(queue.read(HEAD)).isEqualTo(0x7ffe0);
        assertThat(queue.read(TAIL)).isEqualTo(0x7ffe0);
        assertThat(queue.read(HEAD + 4)).isZero();
        assertThat(queue.read(STATUS + 4)).isZero();
    }
}
