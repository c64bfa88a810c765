package org.iommu4j.cli.swap;

import java.util.ArrayDeque;
import java.util.Arrays;
import org.iommu4j.cli.vm.Content;
import org.iommu4j.cli.vm.GuestMemory;
import org.iommu4j.cli.vm.WrongData;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Which page of the host each page of the working set is in, and the spare ones to bring pages back
 * to.
 *
 * <p>Whatever holds no page is poisoned, and must be unchanged when it is used again: a device that
 * writes to a page which was taken from it is found here. Spare ones are used in turn, so that each
 * has time to be hit. For one thread.
 */
final class Frames {
    private static final long NOWHERE = -1;

    private final GuestMemory guest;
    private final PhysicalMemory memory;
    private final WrongData wrongData;
    private final long[] places;
    private final ArrayDeque<Long> spare = new ArrayDeque<>();

    /**
     * Puts every page where it is at first.
     *
     * @param guest the VM's memory
     * @param memory the host's
     * @param spares how many spare pages there are, behind the VM's memory
     * @param wrongData hears of poison that was written to
     */
    Frames(GuestMemory guest, PhysicalMemory memory, int spares, WrongData wrongData) {
        this.guest = guest;
        this.memory = memory;
        this.wrongData = wrongData;
        places = new long[guest.pages()];
        Arrays.setAll(places, page -> GuestMemory.home(guest.iova(page)));
        for (int i = 0; i < spares; i++) {
            giveUp(guest.hostEnd() + i * GuestMemory.PAGE_SIZE);
        }
    }

    /** How many spare ones there are. */
    int spares() {
        return spare.size();
    }

    /** Takes the content of a page, which no device can reach, out of memory. */
    void save(int page, long[] content) {
        Content.save(memory, places[page], content);
        giveUp(places[page]);
        places[page] = NOWHERE;
    }

    /** Brings the content of a page back to a spare one; returns where. */
    long bringBack(int page, long[] content) {
        return put(page, spare.removeFirst(), content);
    }

    /** Brings the content of a page back to where it was at first. */
    void bringHome(int page, long[] content) {
        put(page, home(page), content);
    }

    /** Whether the content of a page is in memory, and not where it was at first. */
    boolean isAway(int page) {
        return places[page] != NOWHERE && places[page] != home(page);
    }

    /** Looks at the poison of all that holds no page. */
    void check() {
        spare.forEach(this::checkPoison);
        for (int page = 0; page < places.length; page++) {
            if (places[page] != home(page)) {
                checkPoison(home(page));
            }
        }
    }

    private long home(int page) {
        return GuestMemory.home(guest.iova(page));
    }

    private long put(int page, long frame, long[] content) {
        checkPoison(frame);
        Content.restore(memory, frame, content);
        places[page] = frame;
        return frame;
    }

    /** A page's first place is kept for it. */
    private void giveUp(long frame) {
        Content.poison(memory, frame);
        if (frame >= guest.hostEnd()) {
            spare.addLast(frame);
        }
    }

    private void checkPoison(long frame) {
        int changed = Content.firstUnpoisoned(memory, frame);
        if (changed >= 0) {
            long address = frame + (long) changed * Long.BYTES;
            wrongData.add(
                    "a page that devices had lost was written to: "
                            + Content.describe(memory.loadPlain(address))
                            + " at the physical address 0x"
                            + Long.toHexString(address));
        }
    }
}
