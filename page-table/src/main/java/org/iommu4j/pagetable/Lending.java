package org.iommu4j.pagetable;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Keeps reusable objects between uses: a thread gets the one it gave back last. Any thread may use
 * it.
 *
 * @param <T> what is lent
 */
final class Lending<T> {

    private static final int SLOTS = 16;
    private static final int PADDING = 16;

    private final AtomicReferenceArray<@Nullable T> slots =
            new AtomicReferenceArray<>(SLOTS * PADDING);

    /** The object this thread gave back last, or null if the caller must make one. */
    @Nullable T take() {
        return slots.getAndSet(slot(), null);
    }

    void giveBack(T lent) {
        slots.setRelease(slot(), lent);
    }

    private static int slot() {
        return (int) (Thread.currentThread().threadId() & SLOTS - 1) * PADDING;
    }
}
