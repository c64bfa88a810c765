package org.iommu4j.emulator;

import org.iommu4j.machine.PhysicalMemory;

/**
 * Memory as processors see it: a unit that reads it so has snooped their caches. Any thread may
 * call any method.
 *
 * @param memory the memory, unobserved
 */
record SnoopedMemory(PhysicalMemory memory) implements WalkMemory {

    @Override
    public long load(long address) {
        return memory.loadAcquire(address);
    }

    @Override
    public boolean exchange(long address, long expected, long value) {
        return memory.compareAndExchange(address, expected, value) == expected;
    }
}
