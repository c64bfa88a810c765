package org.iommu4j.pagetable.event;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.MemoryAddress;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** A read and clear of dirty bits. */
@Name("org.iommu4j.DirtyRead")
@Label("Dirty read")
@Description("What devices wrote was reported, and its dirty bits cleared")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class DirtyReadEvent extends Event {

    private static final DirtyReadEvent PROBE = new DirtyReadEvent();

    @Label("Root table")
    @Description("The physical address of the root table, by which domains are told apart")
    @MemoryAddress
    long root;

    @Label("IOVA")
    @Description("The first I/O virtual address")
    @MemoryAddress
    long iova;

    @Label("Size")
    @DataAmount
    long size;

    private DirtyReadEvent() {}

    /**
     * {@return an event whose time begins now; null while nobody records it, which costs nothing}
     */
    public static @Nullable DirtyReadEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        DirtyReadEvent event = new DirtyReadEvent();
        event.begin();
        return event;
    }

    /**
     * Ends the event and records it.
     *
     * @param root the physical address of the root table, by which domains are told apart
     * @param iova the first I/O virtual address
     * @param size size
     */
    public void ended(long root, long iova, long size) {
        this.root = root;
        this.iova = iova;
        this.size = size;
        commit();
    }
}
