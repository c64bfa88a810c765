package org.iommu4j.inspector;

import org.iommu4j.machine.PhysicalMemory;

/**
 * Physical memory as somebody sees it who may only read: 64-bit little-endian words at physical
 * addresses, of which some are there and others are not.
 *
 * <p>What is not there is a normal answer, not an error: a dump may be cut off, or hold only some
 * of the memory. Any thread may call any method.
 */
public interface PhysicalView {

    /** The answer of {@link #nextPage} when there is none. */
    long NONE = -1L;

    /**
     * Says whether bytes are there.
     *
     * @param address the physical address of the first
     * @param bytes how many; positive
     * @return true if all of them are
     */
    boolean holds(long address, long bytes);

    /**
     * Reads a word.
     *
     * @param address its physical address; a multiple of 8
     * @return the word
     * @throws IndexOutOfBoundsException if it is not there
     */
    long load(long address);

    /**
     * Reads a page of 512 words.
     *
     * @param page its physical address; a multiple of 4096
     * @param words where to
     * @throws IndexOutOfBoundsException if some of it is not there
     */
    default void page(long page, long[] words) {
        for (int i = 0; i < PhysicalMemory.PAGE_SIZE / Long.BYTES; i++) {
            words[i] = load(page + (long) i * Long.BYTES);
        }
    }

    /**
     * Finds pages, for who wants to see all of them.
     *
     * @param from a physical address
     * @return the lowest page at or above it that is there as a whole, or {@link #NONE}
     */
    long nextPage(long from);

    /** {@return the addresses that are there, in words: {@code 0x0-0x4000000}} */
    String extent();

    /**
     * Looks at memory that is in use. Each load is an acquire, as the hardware's would be.
     *
     * @param memory the memory
     * @return a view of all of it
     */
    static PhysicalView of(PhysicalMemory memory) {
        return new LiveView(memory);
    }
}
