package org.iommu4j.pagetable;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.iommu4j.walker.TableAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Lends a tree's operations their scratch space. Any thread may use it.
 *
 * <p>Workspaces stay where they are, because they count what is done in them: a thread gets the one
 * of its home, or the next one that nobody has. If all are lent, it gets one that is used once.
 */
final class Workspaces {

    static final int HOMES = 16;

    private final Tables tables;
    private final TableAllocator allocator;
    private final AtomicReferenceArray<@Nullable Workspace> homes =
            new AtomicReferenceArray<>(HOMES);

    Workspaces(Tables tables, TableAllocator allocator) {
        this.tables = tables;
        this.allocator = allocator;
    }

    Workspace take() {
        int home = (int) Thread.currentThread().threadId();
        for (int i = 0; i < HOMES; i++) {
            int index = home + i & HOMES - 1;
            Workspace there = homes.getAcquire(index);
            Workspace space = there == null ? settle(index) : there;
            if (space.enter()) {
                return space;
            }
        }
        return new Workspace(tables, allocator, tables.counts.shareOfMany());
    }

    /** Gives it back, and the pages that its operation did not use. The caller holds no guard. */
    void giveBack(Workspace lent) {
        lent.reserve.giveBack();
        lent.leave();
    }

    private Workspace settle(int index) {
        Workspace made = new Workspace(tables, allocator, tables.counts.share(index));
        Workspace there = homes.compareAndExchange(index, null, made);
        return there == null ? made : there;
    }
}
