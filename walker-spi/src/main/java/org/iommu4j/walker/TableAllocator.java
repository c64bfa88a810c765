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

    /** {@return how many pages could be taken now; exact when no call is in progress} */
    long free();
}
