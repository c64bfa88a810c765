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

/** A group of page requests that a handler answered. */
@Name("org.iommu4j.PageRequest")
@Label("Page request")
@Description(
        "A group of requests of a device for missing pages was answered; the time is that of the handler")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class PageRequestEvent extends Event {

    private static final PageRequestEvent PROBE = new PageRequestEvent();

    @Label("Source")
    @Description("Which device")
    @Nullable String source;

    @Label("PASID")
    @Description("The process address space id; -1 without one")
    int pasid;

    @Label("IOVA")
    @Description("The page that the last of them wanted")
    @MemoryAddress
    long iova;

    @Label("Requests")
    @Description("How many the group had")
    int requests;

    @Label("Response")
    @Description("What they were answered")
    @Nullable String response;

    private PageRequestEvent() {}

    /**
     * {@return an event whose time begins now; null while nobody records it, which costs nothing}
     */
    public static @Nullable PageRequestEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        PageRequestEvent event = new PageRequestEvent();
        event.begin();
        return event;
    }

    /**
     * Ends the event and records it.
     *
     * @param source which device
     * @param pasid the process address space id; -1 without one
     * @param iova the page that the last of them wanted
     * @param requests how many the group had
     * @param response what they were answered
     */
    public void ended(String source, int pasid, long iova, int requests, String response) {
        this.source = source;
        this.pasid = pasid;
        this.iova = iova;
        this.requests = requests;
        this.response = response;
        commit();
    }
}
