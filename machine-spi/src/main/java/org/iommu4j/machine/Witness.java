package org.iommu4j.machine;

/**
 * Hears what software believes about its page tables, so that a machine can hold the belief against
 * what its hardware does. A machine without interest uses {@link #NONE}.
 *
 * <p>A set of tables is named by the physical address of its root table. Calls come from the thread
 * that acts, in program order, after the act where it makes something true and before it where it
 * takes something away.
 */
public interface Witness {

    /** A witness that does not listen. */
    Witness NONE = new Witness() {};

    /**
     * A page has been made a table and is about to be linked.
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
     * A range has been unmapped in the tables; the hardware may still hold translations of it.
     *
     * @param root the root table
     * @param iova first I/O virtual address, in bytes
     * @param size bytes
     */
    default void unmapped(long root, long iova, long size) {}

    /**
     * The invalidation that covers a range has completed: the hardware must not use a translation
     * that was removed before.
     *
     * @param root the root table
     * @param iova first I/O virtual address, in bytes
     * @param size bytes
     */
    default void invalidated(long root, long iova, long size) {}
}
