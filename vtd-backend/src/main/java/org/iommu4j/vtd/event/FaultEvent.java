package org.iommu4j.vtd.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.MemoryAddress;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** A DMA that was blocked. */
@Name("org.iommu4j.Fault")
@Label("Fault")
@Description("A unit blocked a DMA; the moment is that of reading its record")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class FaultEvent extends Event {

    private static final FaultEvent PROBE = new FaultEvent();

    @Label("Source")
    @Description("Which device")
    @Nullable String source;

    @Label("PASID")
    @Description("The process address space id; -1 without one")
    int pasid;

    @Label("IOVA")
    @Description("The page it wanted")
    @MemoryAddress
    long iova;

    @Label("Access")
    @Description("What it wanted to do: read or write")
    @Nullable String access;

    @Label("Code")
    @Description("The reason code of the unit")
    int code;

    @Label("Reason")
    @Description("The reason in words")
    @Nullable String reason;

    @Label("Overflowed")
    @Description("Whether the unit lost faults before this one")
    boolean overflowed;

    @Label("Explanation")
    @Description("What is mapped there and around it, and the last operation; empty if not known")
    @Nullable String explanation;

    private FaultEvent() {}

    /** {@return true while somebody records it} */
    public static boolean isOn() {
        return PROBE.isEnabled();
    }

    /**
     * Records it.
     *
     * @param source which device
     * @param pasid the process address space id; -1 without one
     * @param iova the page it wanted
     * @param access what it wanted to do: read or write
     * @param code the reason code of the unit
     * @param reason the reason in words
     * @param overflowed whether the unit lost faults before this one
     * @param explanation what is mapped there and around it, and the last operation; empty if not
     *     known
     */
    public static void happened(
            String source,
            int pasid,
            long iova,
            String access,
            int code,
            String reason,
            boolean overflowed,
            String explanation) {
        FaultEvent event = new FaultEvent();
        event.source = source;
        event.pasid = pasid;
        event.iova = iova;
        event.access = access;
        event.code = code;
        event.reason = reason;
        event.overflowed = overflowed;
        event.explanation = explanation;
        event.commit();
    }
}
