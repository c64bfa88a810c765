package org.iommu4j.vtd.event;

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

/** A request to forget translations. */
@Name("org.iommu4j.Invalidate")
@Label("Invalidate")
@Description("Units and devices were asked to forget translations; the time is that of asking")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class InvalidateEvent extends Event {

    private static final InvalidateEvent PROBE = new InvalidateEvent();

    @Label("Domain id")
    @Description("Whose translations; 0 with all domains")
    int domainId;

    @Label("Granularity")
    @Description("How much is forgotten: page, domain or global")
    @Nullable String granularity;

    @Label("IOVA")
    @Description("The first I/O virtual address; 0 unless of pages")
    @MemoryAddress
    long iova;

    @Label("Size")
    @Description("How many bytes; 0 unless of pages")
    @DataAmount
    long size;

    @Label("Leaf only")
    @Description("Whether no table of the range has changed")
    boolean leafOnly;

    @Label("Ticket")
    @Description("Joins a request with the waits for it; 0 if no unit had to forget anything")
    long ticket;

    private InvalidateEvent() {}

    /**
     * {@return an event whose time begins now; null while nobody records it, which costs nothing}
     */
    public static @Nullable InvalidateEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        InvalidateEvent event = new InvalidateEvent();
        event.begin();
        return event;
    }

    /**
     * Ends the event and records it.
     *
     * @param domainId whose translations; 0 with all domains
     * @param granularity how much is forgotten: page, domain or global
     * @param iova the first I/O virtual address; 0 unless of pages
     * @param size how many bytes; 0 unless of pages
     * @param leafOnly whether no table of the range has changed
     * @param ticket joins a request with the waits for it; 0 if no unit had to forget anything
     */
    public void ended(
            int domainId, String granularity, long iova, long size, boolean leafOnly, long ticket) {
        this.domainId = domainId;
        this.granularity = granularity;
        this.iova = iova;
        this.size = size;
        this.leafOnly = leafOnly;
        this.ticket = ticket;
        commit();
    }
}
