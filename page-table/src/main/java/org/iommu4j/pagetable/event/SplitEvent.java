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

/** A leaf replaced by tables: to unmap a part of it, to cut or to split it. */
@Name("org.iommu4j.Split")
@Label("Split")
@Description(
        "A leaf was replaced by tables of smaller leaves, by one exchange; the time includes making them")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class SplitEvent extends Event {

    private static final SplitEvent PROBE = new SplitEvent();

    @Label("Root table")
    @Description("The physical address of the root table, by which domains are told apart")
    @MemoryAddress
    long root;

    @Label("IOVA")
    @Description("The first I/O virtual address of the leaf")
    @MemoryAddress
    long iova;

    @Label("From page size")
    @Description("The size of the leaf")
    @DataAmount
    long fromPageSize;

    @Label("To page size")
    @Description("The smallest page size there is now")
    @DataAmount
    long toPageSize;

    @Label("Tables")
    @Description("How many tables took its place")
    int tables;

    @Label("Unmapped")
    @Description("How many bytes of it the same exchange unmapped")
    @DataAmount
    long unmapped;

    private SplitEvent() {}

    /**
     * {@return an event whose time begins now; null while nobody records it, which costs nothing}
     */
    public static @Nullable SplitEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        SplitEvent event = new SplitEvent();
        event.begin();
        return event;
    }

    /**
     * Ends the event and records it.
     *
     * @param root the physical address of the root table, by which domains are told apart
     * @param iova the first I/O virtual address of the leaf
     * @param fromPageSize the size of the leaf
     * @param toPageSize the smallest page size there is now
     * @param tables how many tables took its place
     * @param unmapped how many bytes of it the same exchange unmapped
     */
    public void ended(
            long root, long iova, long fromPageSize, long toPageSize, int tables, long unmapped) {
        this.root = root;
        this.iova = iova;
        this.fromPageSize = fromPageSize;
        this.toPageSize = toPageSize;
        this.tables = tables;
        this.unmapped = unmapped;
        commit();
    }
}
