package org.iommu4j.flush;

/**
 * Writes table entries back from the processor's cache, for a unit that does not snoop it.
 *
 * <p>An engine calls {@link #written} for every word it stored, {@link #fence} before it stores
 * anything that makes those words reachable, and once more before it lets another thread rely on
 * them. Any thread may call any method.
 */
public interface CacheFlusher {

    /**
     * {@return false if the unit snoops the cache, so that neither of the other methods need be
     * called; constant}
     */
    boolean isNeeded();

    /**
     * Bytes of a table were stored and shall be written back before the next {@link #fence} ends.
     *
     * @param address the first byte's physical address; a multiple of 8
     * @param bytes how many; a multiple of 8
     */
    void written(long address, long bytes);

    /** Returns when everything written so far by this thread has reached memory. */
    void fence();
}
