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

/** An unmap that succeeded. */
@Name("org.iommu4j.Unmap")
@Label("Unmap")
@Description(
        "A range was unmapped; the time is that of the call, with the invalidation if the call waited for it")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class UnmapEvent extends Event {

    private static final UnmapEvent PROBE = new UnmapEvent();

    @Label("Root table")
    @Description("The physical address of the root table, by which domains are told apart")
    @MemoryAddress
    long root;

    @Label("IOVA")
    @Description("The first I/O virtual address")
    @MemoryAddress
    long iova;

    @Label("Size")
    @Description("How many bytes were to be unmapped")
    @DataAmount
    long size;

    @Label("Unmapped")
    @Description("How many of them were mapped")
    @DataAmount
    long unmapped;

    @Label("Waited")
    @Description("Whether the call waited until the hardware had forgotten")
    boolean waited;

    private UnmapEvent() {}

    /**
     * {@return an event whose time begins now; null while nobody records it, which costs nothing}
     */
    public static @Nullable UnmapEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        UnmapEvent event = new UnmapEvent();
        event.begin();
        return event;
    }

    /**
     * Ends the event and records it.
     *
     * @param root the physical address of the root table, by which domains are told apart
     * @param iova the first I/O virtual address
     * @param size how many bytes were to be unmapped
     * @param unmapped how many of them were mapped
     * @param waited whether the call waited until the hardware had forgotten
     */
    public void ended(long root, long iova, long size, long unmapped, boolean waited) {
        this.root = root;
        this.iova = iova;
        this.size = size;
        this.unmapped = unmapped;
        this.waited = waited;
        commit();
    }
}
