package org.iommu4j.conformance;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.iommu4j.api.IommuException;
import org.iommu4j.flush.IotlbInvalidator;
import org.iommu4j.machine.PhysicalMemory;

/**
 * A unit that completes a request no earlier than somebody waits for it, completes that one only,
 * and remembers what it was asked. Any thread may use it.
 */
final class ModelUnit implements IotlbInvalidator {

    private static final int EVERY_DOMAIN = -1;

    /** A request: a range of a domain, or all of it, or everything. */
    private record Request(int domainId, long from, long to, boolean leafOnly) {

        boolean covers(int domain, long start, long end) {
            return (domainId == EVERY_DOMAIN || domainId == domain) && from <= start && end <= to;
        }
    }

    private final int maxOrder;
    private final List<Request> requests = new ArrayList<>();
    private final BitSet done = new BitSet();
    private final BitSet aborted = new BitSet();
    private final List<String> mistakes = new ArrayList<>();
    private int failing;

    /**
     * Makes a unit.
     *
     * @param maxOrder the largest order of a page-selective request, or -1 for none
     */
    ModelUnit(int maxOrder) {
        this.maxOrder = maxOrder;
    }

    /** Aborts the next waits, as a unit that has timed out does. */
    synchronized void failNextWaits(int count) {
        failing = count;
    }

    /** How many requests there were. */
    synchronized int requests() {
        return requests.size();
    }

    /** Requests that no unit takes. */
    synchronized List<String> mistakes() {
        return List.copyOf(mistakes);
    }

    /**
     * Whether a request that covers a range, made at a moment or later, has completed.
     *
     * @param structure true if only requests without the leaf-only hint count
     * @param since how many requests there had been
     */
    synchronized boolean hasForgotten(
            int domainId, long from, long to, boolean structure, int since) {
        for (int i = since; i < requests.size(); i++) {
            Request request = requests.get(i);
            if (done.get(i)
                    && request.covers(domainId, from, to)
                    && !(structure && request.leafOnly())) {
                return true;
            }
        }
        return false;
    }

    @Override
    public synchronized long invalidatePages(int domainId, long iova, int order, boolean leafOnly) {
        if (order < 0 || order > maxOrder) {
            return mistaken("a request of order " + order + ", where " + maxOrder + " is the most");
        }
        long bytes = (long) PhysicalMemory.PAGE_SIZE << order;
        if ((iova & bytes - 1) != 0) {
            return mistaken(
                    "a request of order "
                            + order
                            + " at 0x"
                            + Long.toHexString(iova)
                            + ", which is not aligned to it");
        }
        return add(new Request(domainId, iova, iova + bytes, leafOnly));
    }

    @Override
    public synchronized long invalidateDomain(int domainId) {
        return add(new Request(domainId, Long.MIN_VALUE, Long.MAX_VALUE, false));
    }

    @Override
    public synchronized long invalidateGlobal() {
        return add(new Request(EVERY_DOMAIN, Long.MIN_VALUE, Long.MAX_VALUE, false));
    }

    @Override
    public int maxOrder() {
        return maxOrder;
    }

    @Override
    public synchronized boolean isDone(long ticket) {
        return done.get(place(ticket));
    }

    @Override
    public synchronized void await(long ticket) {
        int place = place(ticket);
        if (failing > 0 && !done.get(place)) {
            failing--;
            aborted.set(place);
        }
        if (aborted.get(place)) {
            throw new IommuException("the unit timed out, as the contract wants it");
        }
        done.set(place);
    }

    /** A request that is no good completes and covers nothing. */
    private long mistaken(String what) {
        mistakes.add(what);
        return add(new Request(EVERY_DOMAIN, 0, 0, true));
    }

    private long add(Request request) {
        requests.add(request);
        return requests.size() - 1L;
    }

    private int place(long ticket) {
        if (ticket < 0 || ticket >= requests.size()) {
            throw new IllegalArgumentException("ticket " + ticket + " was never given out");
        }
        return (int) ticket;
    }
}
