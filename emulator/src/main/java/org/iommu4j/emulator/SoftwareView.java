package org.iommu4j.emulator;

import org.iommu4j.machine.MemoryObserver;
import org.jspecify.annotations.Nullable;

/**
 * What sees software's accesses to the memory for tables: first who checks what is stored, then
 * what delays it on its way to a unit. Any thread may call any method.
 *
 * @param start where the memory for tables begins
 * @param bytes its size
 * @param entries who checks, or null
 * @param lag what delays, or null
 */
record SoftwareView(long start, long bytes, @Nullable LiveEntries entries, @Nullable Lag lag)
        implements MemoryObserver {

    @Override
    public void beforeStore(long address, long value) {
        if (Long.compareUnsigned(address - start, bytes) >= 0) {
            return;
        }
        if (entries != null) {
            entries.beforeStore(address, value);
        }
        if (lag != null) {
            lag.beforeStore(address, value);
        }
    }

    @Override
    public void beforeExchange(long address, long expected, long value) {
        if (Long.compareUnsigned(address - start, bytes) >= 0) {
            return;
        }
        if (entries != null) {
            entries.beforeExchange(address, expected, value);
        }
        if (lag != null) {
            lag.beforeExchange(address, expected, value);
        }
    }

    @Override
    public void beforeWriteBack(long address, long length) {
        if (lag != null) {
            lag.beforeWriteBack(address, length);
        }
    }

    @Override
    public void beforeFence() {
        if (lag != null) {
            lag.beforeFence();
        }
    }
}
