package org.iommu4j.pagetable;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;

/**
 * Lends out reusable objects: a thread gets the one it gave back last, or a new one. Any thread may use it.
 *
 * @param <T> what is lent
 */
final class Lending<T> {

    private static final int SLOTS = 16;
    private static final int PADDING = 16;

    private final AtomicReferenceArray<@org.jspecify.annotations.Nullable T> slots = new AtomicReferenceArray<>(SLOTS * PADDING);
    private final Supplier<T> maker;

    Lending(Supplier<T> maker) {
        this.maker = maker;
    }

    T take() {
        T lent = slots.getAndSet(slot(), null);
        return lent == null ? maker.get() : lent;
    }

    void giveBack(T lent) {
        slots.setRelease(slot(), lent);
    }

    private static int slot() {
        return (int) (Thread.currentThread().threadId() & SLOTS - 1) * PADDING;
    }
}
