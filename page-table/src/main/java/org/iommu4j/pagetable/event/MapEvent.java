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

/** A map that succeeded. */
@Name("org.iommu4j.Map")
@Label("Map")
@Description(
        "A range was mapped; the time is that of the call, invalidations that it waited for included")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class MapEvent extends Event {

    private static final MapEvent PROBE = new MapEvent();

    @Label("Root table")
    @Description("The physical address of the root table, by which domains are told apart")
    @MemoryAddress
    long root;

    @Label("IOVA")
    @Description("The first I/O virtual address")
    @MemoryAddress
    long iova;

    @Label("Output address")
    @Description("What the first byte translates to")
    @MemoryAddress
    long outputAddress;

    @Label("Size")
    @DataAmount
    long size;

    private MapEvent() {}

    /**
     * {@return an event whose time begins now; null while nobody records it, which costs nothing}
     */
    public static @Nullable MapEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        MapEvent event = new MapEvent();
        event.begin();
        return event;
    }

    /**
     * Ends the event and records it.
     *
     * @param root the physical address of the root table, by which domains are told apart
     * @param iova the first I/O virtual address
     * @param outputAddress what the first byte translates to
     * @param size size
     */
    public void ended(long root, long iova, long outputAddress, long size) {
        this.root = root;
        this.iova = iova;
        this.outputAddress = outputAddress;
        this.size = size;
        commit();
    }
}
