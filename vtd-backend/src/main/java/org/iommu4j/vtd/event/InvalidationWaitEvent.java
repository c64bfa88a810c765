package org.iommu4j.vtd.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** A wait for the end of a request to forget. */
@Name("org.iommu4j.InvalidationWait")
@Label("Invalidation wait")
@Description("Somebody waited until units and devices had forgotten")
@Category("iommu4j")
@Enabled(false)
@StackTrace(false)
public final class InvalidationWaitEvent extends Event {

    private static final InvalidationWaitEvent PROBE = new InvalidationWaitEvent();

    @Label("Ticket")
    @Description("Joins a request with the waits for it; 0 if no unit had to forget anything")
    long ticket;

    private InvalidationWaitEvent() {}

    /**
     * {@return an event whose time begins now; null while nobody records it, which costs nothing}
     */
    public static @Nullable InvalidationWaitEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        InvalidationWaitEvent event = new InvalidationWaitEvent();
        event.begin();
        return event;
    }

    /**
     * Ends the event and records it.
     *
     * @param ticket joins a request with the waits for it; 0 if no unit had to forget anything
     */
    public void ended(long ticket) {
        this.ticket = ticket;
        commit();
    }
}
