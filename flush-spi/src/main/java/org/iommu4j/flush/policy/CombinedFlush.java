package org.iommu4j.flush.policy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.iommu4j.flush.IotlbInvalidator;
import org.jspecify.annotations.Nullable;

/**
 * One flush of several domains, whose waits overlap: first every request is made, then each is
 * waited for. A domain whose request failed keeps everything; the others are not concerned. For one
 * thread.
 */
final class CombinedFlush implements AutoCloseable {

    /* Beyond so many domains one request for all of them is preferred to one for each. */
    private static final int FEW = 8;

    private final IotlbInvalidator unit;
    private final Deque<DomainBatches> begun = new ArrayDeque<>();
    private final List<BatchCompletion> done = new ArrayList<>();

    CombinedFlush(IotlbInvalidator unit) {
        this.unit = unit;
    }

    /** Takes a domain in, if it has anything to flush. */
    void begin(DomainBatches domain) {
        if (domain.begin()) {
            begun.add(domain);
        }
    }

    /**
     * Invalidates and completes.
     *
     * @throws RuntimeException the first failure, after everything has been tried
     */
    void complete() {
        long[] tickets = begun.size() > FEW ? ticketForAll() : ticketForEach();
        RuntimeException failure = null;
        for (long ticket : tickets) {
            failure = end(begun.remove(), ticket, failure);
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** Lets go of what was not completed, and announces what was. */
    @Override
    public void close() {
        begun.forEach(DomainBatches::abandon);
        done.forEach(BatchCompletion::announce);
    }

    private long[] ticketForAll() {
        long[] tickets = new long[begun.size()];
        Arrays.fill(tickets, unit.invalidateGlobal());
        return tickets;
    }

    private long[] ticketForEach() {
        return begun.stream()
                .mapToLong(domain -> unit.invalidateDomain(domain.domainId()))
                .toArray();
    }

    private @Nullable RuntimeException end(
            DomainBatches domain, long ticket, @Nullable RuntimeException before) {
        try {
            domain.end(ticket, done);
            return before;
        } catch (RuntimeException e) {
            if (before != null) {
                e.addSuppressed(before);
            }
            return e;
        }
    }
}
