package org.iommu4j.machine;

import java.nio.ByteBuffer;

/**
 * A bus master that can do DMA: it reads and writes memory at I/O virtual addresses, as the
 * remapping hardware lets it.
 *
 * <p>One DMA is one call; several threads may do DMA through one device.
 */
public interface Device {

    /** How one DMA ended. */
    enum Outcome {
        /** All bytes were transferred. */
        DONE,
        /**
         * The remapping hardware blocked it; nothing, or a part from the start, was transferred.
         */
        FAULT
    }

    /** {@return the source id of its requests} */
    SourceId source();

    /**
     * Reads memory.
     *
     * @param iova first I/O virtual address, in bytes
     * @param target where the bytes go; as many as remain in it
     * @return how it ended
     */
    Outcome read(long iova, ByteBuffer target);

    /**
     * Writes memory.
     *
     * @param iova first I/O virtual address, in bytes
     * @param data the bytes; as many as remain in it
     * @return how it ended
     */
    Outcome write(long iova, ByteBuffer data);
}
