package org.iommu4j.pagetable.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Pages that became tables. */
@Name("org.iommu4j.TableAlloc")
@Label("Table alloc")
@Description("Pages became tables")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class TableAllocEvent extends TableEvent {

    private static final TableAllocEvent PROBE = new TableAllocEvent();

    private TableAllocEvent() {}

    /** {@return true while somebody records it} */
    public static boolean isOn() {
        return PROBE.isEnabled();
    }

    /**
     * Records it.
     *
     * @param root the physical address of the root table, by which domains are told apart
     * @param count how many pages
     * @param tablePages how many the domain has now
     */
    public static void record(long root, int count, long tablePages) {
        new TableAllocEvent().happened(root, count, tablePages);
    }
}
