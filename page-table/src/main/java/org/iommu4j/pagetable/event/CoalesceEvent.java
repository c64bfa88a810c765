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

/** A table of leaves replaced by one leaf. */
@Name("org.iommu4j.Coalesce")
@Label("Coalesce")
@Description("A table was replaced by one leaf that maps the same")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class CoalesceEvent extends Event {

    private static final CoalesceEvent PROBE = new CoalesceEvent();

    @Label("Root table")
    @Description("The physical address of the root table, by which domains are told apart")
    @MemoryAddress
    long root;

    @Label("IOVA")
    @Description("The first I/O virtual address of the leaf")
    @MemoryAddress
    long iova;

    @Label("From page size")
    @Description("The size of the leaves before")
    @DataAmount
    long fromPageSize;

    @Label("To page size")
    @Description("The size of the leaf now")
    @DataAmount
    long toPageSize;

    private CoalesceEvent() {}

    /**
     * {@return an event whose time begins now; null while nobody records it, which costs nothing}
     */
    public static @Nullable CoalesceEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        CoalesceEvent event = new CoalesceEvent();
        event.begin();
        return event;
    }

    /**
     * Ends the event and records it.
     *
     * @param root the physical address of the root table, by which domains are told apart
     * @param iova the first I/O virtual address of the leaf
     * @param fromPageSize the size of the leaves before
     * @param toPageSize the size of the leaf now
     */
    public void ended(long root, long iova, long fromPageSize, long toPageSize) {
        this.root = root;
        this.iova = iova;
        this.fromPageSize = fromPageSize;
        this.toPageSize = toPageSize;
        commit();
    }
}
