package org.iommu4j.machine;

/**
 * Hears what software believes about its page tables, so that a machine can hold the belief against
 * what its hardware does. A machine without interest uses {@link #NONE}.
 *
 * <p>A set of tables is named by the physical address of its root table. Calls come from the thread
 * that acts: after the act where it gives hardware something, before it where it takes something
 * away. A witness must not wait for the caller's machine or Iommu.
 */
public interface Witness {

    /** A witness that does not listen. */
    Witness NONE = new Witness() {};

    /**
     * A page is a whole table now, written back where that is needed, and is about to be linked.
     *
     * @param root the root table
     * @param page the page
     */
    default void tableLinked(long root, long page) {}

    /**
     * A table has been unlinked; the hardware may still reach it.
     *
     * @param root the root table
     * @param page the page
     */
    default void tableUnlinked(long root, long page) {}

    /**
     * A page that was a table goes back to the allocator: the hardware must not reach it any more.
     *
     * @param root the root table
     * @param page the page
     */
    default void tableReturned(long root, long page) {}

    /**
     * A range has been mapped and written back, the whole or a part of what a call asked for: where
     * the hardware may not hold on to its absence, nor to a structure that was changed there,
     * devices can use it now; else from the invalidation on. Said before anybody can unmap it
     * again.
     *
     * @param root the root table
     * @param iova first I/O virtual address, in bytes
     * @param size bytes
     */
    default void mapped(long root, long iova, long size) {}

    /**
     * A range is about to be unmapped in the tables: from now on a device that uses it may be
     * refused.
     *
     * @param root the root table
     * @param iova first I/O virtual address, in bytes
     * @param size bytes
     */
    default void unmapping(long root, long iova, long size) {}

    /**
     * A range that was mapped has been unmapped in the tables; the hardware may still hold
     * translations of it. Said before anybody can map there again.
     *
     * @param root the root table
     * @param iova first I/O virtual address, in bytes
     * @param size bytes
     */
    default void unmapped(long root, long iova, long size) {}

    /**
     * A report of dirty bits begins.
     *
     * @param root the root table
     * @return the number of the report, positive; 0 from a witness that keeps none
     */
    default long reporting(long root) {
        return 0;
    }

    /**
     * The dirty bits of a range are about to be read and cleared: that it was written is reported,
     * and it is copied once the report is final.
     *
     * @param root the root table
     * @param iova first I/O virtual address, in bytes
     * @param size bytes
     * @param report what {@link #reporting} returned
     */
    default void cleaning(long root, long iova, long size, long report) {}

    /**
     * Writes to a range are tracked from now on, and all its dirty bits are clear or about to be
     * set by a write: what hardware knows of the range from before, of pages that were dirty
     * already or of a time when no such bits were kept, it must not use any more once the report
     * with which tracking begins is final.
     *
     * @param root the root table
     * @param iova first I/O virtual address, in bytes
     * @param size bytes
     * @param report what {@link #reporting} returned
     */
    default void cleaned(long root, long iova, long size, long report) {}

    /**
     * A report is final, and the pages in it are copied: what software waited for after it had read
     * them has completed. Whoever writes from now on to a page that was cleaned for it must set its
     * dirty bit again. Of a report that was given up nobody says so.
     *
     * @param root the root table
     * @param report what {@link #reporting} returned
     */
    default void reported(long root, long report) {}

    /**
     * Asks the witness what time it is.
     *
     * @return a moment of the witness's own clock: later than every call that returned before, and
     *     positive; always 0 from a witness that keeps no clock
     */
    default long moment() {
        return 0;
    }

    /**
     * The invalidation of a range has completed. Of what was unmapped before a moment, the one when
     * the invalidation was about to be asked for, and lies wholly inside the range, the hardware
     * must not use a translation any more.
     *
     * @param root the root table
     * @param iova first I/O virtual address, in bytes
     * @param size bytes
     * @param structure true if that holds for paging-structure caches too: the hardware must not
     *     use a table of the range either that was unlinked before
     * @param moment what {@link #moment} returned then; means nothing where that is 0
     */
    default void invalidated(long root, long iova, long size, boolean structure, long moment) {}

    /**
     * A device is about to be attached: its requests of one process address space id, or those
     * without one, go through these tables.
     *
     * @param device the device
     * @param pasid the process address space id, or {@link SourceId#NO_PASID}
     * @param root the root table
     */
    default void attaching(SourceId device, int pasid, long root) {}

    /**
     * A device has been detached: none of its requests of that process address space id may use
     * these tables any more.
     *
     * @param device the device
     * @param pasid the process address space id, or {@link SourceId#NO_PASID}
     * @param root the root table
     */
    default void detached(SourceId device, int pasid, long root) {}
}
