package org.iommu4j.pagetable;

import org.iommu4j.machine.MemoryObserver;

/** An observer that passes everything to another one, which a test changes as it goes. */
final class ObserverSwitch implements MemoryObserver {

    /** Sees nothing. */
    static final MemoryObserver NOBODY = new MemoryObserver() {};

    volatile MemoryObserver target = NOBODY;

    @Override
    public void beforeLoad(long address) {
        target.beforeLoad(address);
    }

    @Override
    public void beforeStore(long address, long value) {
        target.beforeStore(address, value);
    }

    @Override
    public void beforeExchange(long address, long expected, long value) {
        target.beforeExchange(address, expected, value);
    }

    @Override
    public void beforeWriteBack(long address, long bytes) {
        target.beforeWriteBack(address, bytes);
    }

    @Override
    public void beforeFence() {
        target.beforeFence();
    }

    @Override
    public void beforeLedger(long page) {
        target.beforeLedger(page);
    }

    @Override
    public void spin() {
        target.spin();
    }
}
