package org.iommu4j.pagetable.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Pages of tables that went back. */
@Name("org.iommu4j.TableFree")
@Label("Table free")
@Description("Pages of tables went back to the allocator: hardware cannot reach them any more")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class TableFreeEvent extends TableEvent {

    private static final TableFreeEvent PROBE = new TableFreeEvent();

    private TableFreeEvent() {}

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
        new TableFreeEvent().happened(root, count, tablePages);
    }
}
