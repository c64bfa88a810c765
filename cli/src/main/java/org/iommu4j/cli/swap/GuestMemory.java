package org.iommu4j.cli.swap;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.iommu4j.api.Access;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.machine.PhysicalMemory;

/**
 * The memory of a VM: where its devices see it, and where it is in the host's.
 *
 * <p>It is laid out like a PC's. An I/O virtual address is a guest physical address; there is no
 * memory between 3 GiB and 4 GiB, because a DMA to 0xfee00000 is an interrupt and is never
 * translated. In the host it lies elsewhere, in one piece above 4 GiB: no address is its own
 * translation, and none translates to where interrupts go.
 *
 * <p>Devices use a working set of it: all, or as many pieces of 2 MiB as are asked for, spread over
 * the whole. Its pages are numbered from 0, in the order of their addresses. Immutable.
 */
final class GuestMemory {
    static final long PAGE_SIZE = PhysicalMemory.PAGE_SIZE;

    /** What the size of the working set is a multiple of. */
    static final long PIECE = 1L << 21;

    /** The most memory a VM has: an address below 2^47 leaves room in a word for more. */
    static final long LARGEST = 1L << 46;

    private static final int PAGES_PER_PIECE = (int) (PIECE / PAGE_SIZE);
    private static final long GAP_START = 3L << 30;
    private static final long GAP_END = 4L << 30;
    private static final long HOST_START = 6L << 30;

    private final long bytes;
    private final long leafSize;
    private final long[] pieces;

    /**
     * Lays out a VM's memory.
     *
     * @param bytes how much there is; a multiple of the leaf size
     * @param leafSize the large page it is mapped with: 2 MiB or 1 GiB
     * @param workingSet how much of it devices use; a multiple of 2 MiB, not more than there is
     * @param random chooses the working set
     */
    GuestMemory(long bytes, long leafSize, long workingSet, RandomGenerator random) {
        this.bytes = bytes;
        this.leafSize = leafSize;
        long every = bytes / PIECE;
        int used = Math.toIntExact(workingSet / PIECE);
        pieces = new long[used];
        for (int i = 0; i < used; i++) {
            long from = every * i / used;
            long to = every * (i + 1) / used;
            pieces[i] = iovaOf(random.nextLong(from, to) * PIECE);
        }
    }

    /** The first I/O virtual address behind it. */
    long end() {
        return iovaOf(bytes - 1) + 1;
    }

    /** The most memory whose I/O virtual addresses are below an end; that is 3 GiB or more. */
    static long mostBelow(long end) {
        return end <= GAP_END ? Math.min(end, GAP_START) : end - (GAP_END - GAP_START);
    }

    /** The first host physical address behind it; what is below, down to 0, may be used too. */
    long hostEnd() {
        return hostEnd(bytes);
    }

    /** The first host physical address behind the memory of a VM that has so many bytes. */
    static long hostEnd(long bytes) {
        return HOST_START + bytes;
    }

    /** Maps all of it, where it is at first. */
    void mapInto(IommuDomain domain) {
        long low = Math.min(bytes, GAP_START);
        domain.map(0, home(0), low, Access.READ_WRITE);
        if (bytes > low) {
            domain.map(GAP_END, home(GAP_END), bytes - low, Access.READ_WRITE);
        }
    }

    /** How many pages the working set has. */
    int pages() {
        return pieces.length * PAGES_PER_PIECE;
    }

    /** The I/O virtual address of a page of the working set. */
    long iova(int page) {
        return pieces[page / PAGES_PER_PIECE] + page % PAGES_PER_PIECE * PAGE_SIZE;
    }

    /** The page of the working set at an I/O virtual address, or -1. */
    int pageAt(long iova) {
        int piece = Arrays.binarySearch(pieces, iova & -PIECE);
        return piece < 0 ? -1 : piece * PAGES_PER_PIECE + (int) ((iova & PIECE - 1) / PAGE_SIZE);
    }

    /** Where the memory at an I/O virtual address is in the host at first, and comes back to. */
    static long home(long iova) {
        return HOST_START + (iova < GAP_START ? iova : iova - (GAP_END - GAP_START));
    }

    /** The size of a large page. */
    long leafSize() {
        return leafSize;
    }

    /** The I/O virtual address of the large page that a page of the working set is part of. */
    long leafOf(int page) {
        return iova(page) & -leafSize;
    }

    /** The first page of the working set that is not below an I/O virtual address. */
    int firstPageFrom(long iova) {
        int found = Arrays.binarySearch(pieces, iova);
        return (found < 0 ? -found - 1 : found) * PAGES_PER_PIECE;
    }

    private static long iovaOf(long offset) {
        return offset < GAP_START ? offset : offset + (GAP_END - GAP_START);
    }
}
