package org.iommu4j.cli;

/** Sees a replay go on. The one of a replay that nobody wants a report of does nothing. */
interface ReplayObserver {
    /** Sees nothing. */
    ReplayObserver NONE = new ReplayObserver() {};

    /**
     * An event has been read.
     *
     * @param event the event; it may be given the time at which it was logged
     * @param reader knows that time
     */
    default void read(TraceEvent event, TraceReader reader) {}

    /**
     * An event is about to be replayed; all before it have been.
     *
     * @param event the event, a map or unmap that succeeded
     * @param domain the domain it is taken to belong to
     * @param replay what there is
     */
    default void before(TraceEvent event, TracedDomain domain, Replay replay) {}

    /** All events have been replayed. */
    default void end(Replay replay) {}

    /** Measures what the tables under test do. */
    default OperationTimes times() {
        return OperationTimes.NONE;
    }
}
