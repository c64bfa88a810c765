package org.iommu4j.cli.migrate;

import java.util.BitSet;
import org.iommu4j.cli.vm.Content;
import org.iommu4j.cli.vm.GuestMemory;
import org.iommu4j.cli.vm.WrongData;
import org.iommu4j.machine.PhysicalMemory;

/**
 * The host that a VM moves to: the copy of its memory. A page of which nothing but zeros was copied
 * costs no memory. For one thread.
 */
final class Destination {
    private final GuestMemory guest;
    private final PhysicalMemory source;
    private final PhysicalMemory copy;

    /**
     * Makes room.
     *
     * @param guest the VM's memory, all of it its working set
     * @param source the memory of the host that it is on
     */
    Destination(GuestMemory guest, PhysicalMemory source) {
        this.guest = guest;
        this.source = source;
        copy = PhysicalMemory.allocate(guest.pages() * GuestMemory.PAGE_SIZE);
    }

    /** Copies pages, by their number in the VM's memory; returns how many bytes that were. */
    long copy(BitSet pages) {
        for (int page = pages.nextSetBit(0); page >= 0; page = pages.nextSetBit(page + 1)) {
            copy(page);
        }
        return pages.cardinality() * GuestMemory.PAGE_SIZE;
    }

    /**
     * Compares every byte with the source, to which nobody writes meanwhile.
     *
     * @param wrongData hears of the first word of each page that differs
     * @return how many pages differ
     */
    long differingPages(WrongData wrongData) {
        long differing = 0;
        for (int page = 0; page < guest.pages(); page++) {
            long at = firstDifference(page);
            if (at >= 0) {
                differing++;
                wrongData.add(difference(page, at));
            }
        }
        return differing;
    }

    /** Devices may write the page meanwhile; no word is torn. */
    private void copy(int page) {
        long from = from(page);
        long to = to(page);
        for (long at = 0; at < GuestMemory.PAGE_SIZE; at += Long.BYTES) {
            long word = source.loadPlain(from + at);
            if (word != copy.loadPlain(to + at)) {
                copy.storePlain(to + at, word);
            }
        }
    }

    /** The offset of the first word of a page that differs, or -1. */
    private long firstDifference(int page) {
        long from = from(page);
        long to = to(page);
        for (long at = 0; at < GuestMemory.PAGE_SIZE; at += Long.BYTES) {
            if (source.loadPlain(from + at) != copy.loadPlain(to + at)) {
                return at;
            }
        }
        return -1;
    }

    private String difference(int page, long at) {
        return "the copy has "
                + Content.describe(copy.loadPlain(to(page) + at))
                + ", not "
                + Content.describe(source.loadPlain(from(page) + at))
                + ", at 0x"
                + Long.toHexString(guest.iova(page) + at);
    }

    private long from(int page) {
        return GuestMemory.home(guest.iova(page));
    }

    private static long to(int page) {
        return page * GuestMemory.PAGE_SIZE;
    }
}
