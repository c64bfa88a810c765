package com.example.riscv;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.IommuException;
import org.iommu4j.flush.IotlbInvalidator;
import org.jspecify.annotations.Nullable;

/**
 * How flush policies make the unit forget. Without a unit there is nothing to forget, and a request
 * is only counted.
 *
 * <p>A command with an address drops the leaf of that address and keeps the tables above it; so one
 * page is the most that a page-selective request covers, and where a table changed too, everything
 * of the domain goes (RISC-V IOMMU, IOMMU Page-Table cache invalidation commands).
 */
final class Invalidations implements IotlbInvalidator {

    private static final long NOTHING_TO_WAIT_FOR = 0;

    private record Counts(LongAdder page, LongAdder domain) {}

    private final @Nullable CommandQueue commands;
    private final Map<Integer, Counts> counts = new ConcurrentHashMap<>();
    private final LongAdder global = new LongAdder();

    Invalidations(@Nullable CommandQueue commands) {
        this.commands = commands;
    }

    @Override
    public long invalidatePages(int domainId, long iova, int order, boolean leafOnly) {
        count(domainId).page.increment();
        SoftContext context = SoftContext.of(domainId);
        return submit(leafOnly ? Command.leafAt(context, iova) : Command.all(context));
    }

    @Override
    public long invalidateDomain(int domainId) {
        count(domainId).domain.increment();
        return submit(Command.all(SoftContext.of(domainId)));
    }

    @Override
    public long invalidateGlobal() {
        global.increment();
        return submit(Command.everyFirstStage(), Command.everySecondStage());
    }

    @Override
    public int maxOrder() {
        return 0;
    }

    @Override
    public boolean isDone(long ticket) {
        return commands == null || commands.isDone(ticket);
    }

    @Override
    public void await(long ticket) {
        if (commands != null) {
            commands.await(ticket);
        }
    }

    /** {@return what was asked for a domain since its id was lent} */
    DomainStatistics.Invalidations of(SoftContext context) {
        Counts asked = count(context.number());
        return new DomainStatistics.Invalidations(
                asked.page.sum(), asked.domain.sum(), global.sum());
    }

    /**
     * Has the unit forget a domain that is gone.
     *
     * @throws IommuException if it failed
     */
    void end(SoftContext context) {
        await(submit(Command.all(context)));
        counts.remove(context.number());
    }

    private Counts count(int domainId) {
        return counts.computeIfAbsent(domainId, _ -> new Counts(new LongAdder(), new LongAdder()));
    }

    private long submit(Command... request) {
        return commands == null ? NOTHING_TO_WAIT_FOR : commands.submit(request);
    }
}
