package org.iommu4j.flush.policy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.iommu4j.api.IommuException;
import org.iommu4j.flush.IotlbInvalidator;

/**
 * A unit that writes down what it is asked, and completes a request only when somebody waits for
 * it.
 */
final class RecordingUnit implements IotlbInvalidator {

    static final int DOMAIN = -1;
    static final int GLOBAL = -2;

    record Request(int domainId, long iova, int order, boolean leafOnly) {

        long end() {
            return iova + (4096L << order);
        }

        boolean covers(long from, long to) {
            return order < 0 || (iova <= from && to <= end());
        }
    }

    final List<Request> requests = new ArrayList<>();
    final Set<Long> done = new HashSet<>();
    int maxOrder = 18;
    int failingWaits;
    Runnable beforeWait = () -> {};

    @Override
    public long invalidatePages(int domainId, long iova, int order, boolean leafOnly) {
        if (order < 0 || order > maxOrder || (iova & ((4096L << order) - 1)) != 0) {
            throw new AssertionError("order " + order + " at 0x" + Long.toHexString(iova));
        }
        return add(new Request(domainId, iova, order, leafOnly));
    }

    @Override
    public long invalidateDomain(int domainId) {
        return add(new Request(domainId, 0, DOMAIN, false));
    }

    @Override
    public long invalidateGlobal() {
        return add(new Request(0, 0, GLOBAL, false));
    }

    @Override
    public int maxOrder() {
        return maxOrder;
    }

    @Override
    public boolean isDone(long ticket) {
        return done.contains(ticket);
    }

    @Override
    public void await(long ticket) {
        beforeWait.run();
        if (failingWaits > 0) {
            failingWaits--;
            throw new IommuException("the unit timed out");
        }
        done.add(ticket);
    }

    private long add(Request request) {
        requests.add(request);
        return requests.size() - 1L;
    }
}
