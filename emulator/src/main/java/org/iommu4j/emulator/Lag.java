package org.iommu4j.emulator;

import org.iommu4j.machine.MemoryObserver;

/**
 * Something between software's stores and the tables as a unit sees them: what was stored arrives
 * later. Any thread may call any method.
 */
interface Lag extends MemoryObserver, WalkMemory {

    /**
     * Says since when a unit sees something old in a word.
     *
     * @param address the word's physical address
     * @return the moment when software changed it; 0 if the unit sees what is there
     */
    long changedAt(long address);

    /**
     * Says since when a line waits to be written back, whether it arrived by itself or not.
     *
     * @param address a physical address in the line
     * @return the moment of the first store; 0 if it was written back, or need not be
     */
    long unwrittenSince(long address);
}
