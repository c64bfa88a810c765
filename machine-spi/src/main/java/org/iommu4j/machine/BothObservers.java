package org.iommu4j.machine;

/**
 * Two observers of one memory.
 *
 * @param first sees each access first
 * @param second sees it then
 */
record BothObservers(MemoryObserver first, MemoryObserver second) implements MemoryObserver {

    @Override
    public void beforeLoad(long address) {
        first.beforeLoad(address);
        second.beforeLoad(address);
    }

    @Override
    public void beforeStore(long address, long value) {
        first.beforeStore(address, value);
        second.beforeStore(address, value);
    }

    @Override
    public void beforeExchange(long address, long expected, long value) {
        first.beforeExchange(address, expected, value);
        second.beforeExchange(address, expected, value);
    }

    @Override
    public void beforeWriteBack(long address, long bytes) {
        first.beforeWriteBack(address, bytes);
        second.beforeWriteBack(address, bytes);
    }

    @Override
    public void beforeFence() {
        first.beforeFence();
        second.beforeFence();
    }

    @Override
    public void beforeLedger(long page) {
        first.beforeLedger(page);
        second.beforeLedger(page);
    }

    @Override
    public void spin() {
        first.spin();
        second.spin();
    }
}
