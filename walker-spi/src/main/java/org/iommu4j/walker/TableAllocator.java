package org.iommu4j.walker;

import org.iommu4j.machine.PageList;

/**
 * Where table pages come from and go to.
 *
 * <p>Any thread may call any method; an engine calls them with no guard held, so they may wait for
 * each other, but never for hardware. Pages are 4096 bytes, aligned, of the memory the allocator
 * was made for. Reservations are all or nothing.
 */
public interface TableAllocator {

    /**
     * Takes one zeroed page.
     *
     * @return its physical address, or -1 if there is none
     */
    long take();

    /**
     * Gives back one page, whatever is in it.
     *
     * @param page its physical address
     */
    void give(long page);

    /**
     * Takes pages whose content is anything, all or none.
     *
     * @param count how many
     * @param list where they go
     * @return false if there are not as many; nothing has changed then
     */
    boolean reserve(int count, PageList list);

    /**
     * Takes pages for tables that take the place of a leaf, all or none: what an unmap of a part, a
     * cut or a split needs. Where such a call fails, memory stays with a device that should lose
     * it, so an allocator may keep pages for this call that {@link #reserve} does not get.
     *
     * @param count how many
     * @param list where they go; their content is anything
     * @return false if there are not as many; nothing has changed then
     */
    default boolean reserveForSplit(int count, PageList list) {
        return reserve(count, list);
    }

    /**
     * Takes zeroed pages, all or none.
     *
     * @param count how many
     * @param list where they go
     * @return false if there are not as many; nothing has changed then
     */
    boolean reserveZeroed(int count, PageList list);

    /**
     * Gives back pages, whatever is in them.
     *
     * @param list the pages; empty when this returns
     */
    void giveBack(PageList list);

    /**
     * Gives back pages that the caller knows to be zero.
     *
     * @param list the pages; empty when this returns
     */
    void giveBackZeroed(PageList list);

    /** {@return how many pages there are in all} */
    long capacity();

    /**
     * {@return how many pages could be taken now, without those kept for splits; exact when no call
     * is in progress}
     */
    long free();

    /**
     * Gives the memory behind free pages back to the system, as far as it can be given back. The
     * pages stay free.
     *
     * @return how many pages cost nothing any more
     */
    default long trim() {
        return 0;
    }

    /**
     * Gives what this allocator keeps to itself back to the one it was made {@linkplain
     * TableAllocatorProvider#over(TableAllocator) over}. Called once every page has been given back
     * and no more are wanted; pages that are given back later still find their way.
     */
    default void close() {}
}
