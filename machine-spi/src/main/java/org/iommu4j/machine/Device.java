package org.iommu4j.machine;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A bus master that can do DMA: it reads and writes memory at I/O virtual addresses, as the
 * remapping hardware lets it.
 *
 * <p>One DMA is one call, and a call is one or more bus requests: what lies in one naturally
 * aligned word of 8 bytes is transferred whole. Several threads may do DMA through one device.
 */
public interface Device {

    /** {@return the source id of its requests} */
    SourceId source();

    /**
     * {@return how many bits of I/O virtual address its requests have, 32 to 64; a DMA that does
     * not lie below is refused with {@link IllegalArgumentException}}
     */
    default int addressBits() {
        return Long.SIZE;
    }

    /**
     * Reads memory.
     *
     * @param iova first I/O virtual address, in bytes
     * @param target where the bytes go; as many as remain in it. Its position moves by what was
     *     transferred
     * @return how it ended
     */
    DmaOutcome read(long iova, ByteBuffer target);

    /**
     * Writes memory.
     *
     * @param iova first I/O virtual address, in bytes
     * @param data the bytes; as many as remain in it. Its position moves by what was transferred
     * @return how it ended
     */
    DmaOutcome write(long iova, ByteBuffer data);

    /**
     * Adds to a 64-bit little-endian word in memory, atomically (PCI Express, AtomicOp FetchAdd).
     *
     * @param iova its I/O virtual address, in bytes; a multiple of 8
     * @param addend what is added
     * @param old receives what was there before, 8 bytes in the buffer's order; unchanged if the
     *     DMA was blocked
     * @return how it ended
     * @throws IllegalArgumentException if the address is misaligned
     * @throws UnsupportedOperationException if the device has no atomic operations
     */
    DmaOutcome fetchAndAdd(long iova, long addend, ByteBuffer old);

    /**
     * Returns the same device as it does DMA in the name of a process address space.
     *
     * @param pasid the process address space id that its requests carry, 0 to 0xfffff
     * @return a view of this device
     * @throws IllegalArgumentException if the id has more bits than the device sends
     * @throws UnsupportedOperationException if its requests carry no such id
     */
    default Device withPasid(int pasid) {
        throw new UnsupportedOperationException(
                source()
                        + " sends no process address space ids, and not 0x"
                        + Integer.toHexString(pasid));
    }

    /** {@return what lets it translate for itself and ask for missing pages, if it can} */
    default Optional<TranslationService> translationService() {
        return Optional.empty();
    }
}
