package ${package};

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.flush.IotlbInvalidator;

/** How flush policies make the hardware forget: where there is none, requests are counted. */
final class Invalidations implements IotlbInvalidator {

    private static final long DONE = 0;
    private static final int LARGEST_ORDER = 18;

    private record Counts(LongAdder page, LongAdder domain) {}

    private final Map<Integer, Counts> counts = new ConcurrentHashMap<>();
    private final LongAdder global = new LongAdder();

    @Override
    public long invalidatePages(int domainId, long iova, int order, boolean leafOnly) {
        count(domainId).page.increment();
        return DONE;
    }

    @Override
    public long invalidateDomain(int domainId) {
        count(domainId).domain.increment();
        return DONE;
    }

    @Override
    public long invalidateGlobal() {
        global.increment();
        return DONE;
    }

    @Override
    public int maxOrder() {
        return LARGEST_ORDER;
    }

    @Override
    public boolean isDone(long ticket) {
        return true;
    }

    @Override
    public void await(long ticket) {}

    DomainStatistics.Invalidations of(int domainId) {
        Counts asked = count(domainId);
        return new DomainStatistics.Invalidations(
                asked.page.sum(), asked.domain.sum(), global.sum());
    }

    private Counts count(int domainId) {
        return counts.computeIfAbsent(
                domainId, id -> new Counts(new LongAdder(), new LongAdder()));
    }
}
