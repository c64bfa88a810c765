package org.iommu4j.pagetable.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.MemoryAddress;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Pages that became tables. */
@Name("org.iommu4j.TableAlloc")
@Label("Table alloc")
@Description("Pages became tables")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class TableAllocEvent extends Event {

    private static final TableAllocEvent PROBE = new TableAllocEvent();

    @Label("Root table")
    @Description("The physical address of the root table, by which domains are told apart")
    @MemoryAddress
    long root;

    @Label("Count")
    @Description("How many pages")
    int count;

    @Label("Table pages")
    @Description("How many the domain has now")
    long tablePages;

    private TableAllocEvent() {}

    /** {@return true while somebody records it} */
    public static boolean isOn() {
        return PROBE.isEnabled();
    }

    /**
     * Records it, if anybody does.
     *
     * @param root the physical address of the root table, by which domains are told apart
     * @param count how many pages
     * @param tablePages how many the domain has now
     */
    public static void happened(long root, int count, long tablePages) {
        if (PROBE.isEnabled()) {
            TableAllocEvent event = new TableAllocEvent();
            event.root = root;
            event.count = count;
            event.tablePages = tablePages;
            event.commit();
        }
    }
}
