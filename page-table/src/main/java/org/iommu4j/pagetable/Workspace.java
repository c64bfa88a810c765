package org.iommu4j.pagetable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.iommu4j.walker.TableAllocator;

/** The scratch space of one operation, lent out so that operations allocate nothing. */
final class Workspace {

    private static final VarHandle LENT = lent();

    final Reserve reserve;
    final Nursery nursery;
    final Punch punch;
    final TableCounts.Share counts;
    final MapOperation mapping;
    final RangeChange change;
    final DirtyPass dirty;
    private volatile boolean lent; // changed through LENT

    Workspace(Tables tables, TableAllocator allocator, TableCounts.Share counts) {
        this.counts = counts;
        this.reserve = new Reserve(allocator);
        this.nursery = new Nursery(tables, reserve, this.counts);
        this.punch = new Punch(tables, nursery, this.counts);
        this.mapping = new MapOperation(tables, reserve, nursery);
        this.change = new RangeChange(tables, reserve, punch);
        this.dirty = new DirtyPass(tables, change, reserve);
    }

    /** Makes it the caller's, unless somebody has it. */
    boolean enter() {
        return LENT.compareAndSet(this, false, true);
    }

    void leave() {
        LENT.setRelease(this, false);
    }

    private static VarHandle lent() {
        try {
            return MethodHandles.lookup().findVarHandle(Workspace.class, "lent", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
