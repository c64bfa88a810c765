package org.iommu4j.cli.swap;

import java.util.List;
import java.util.Optional;
import org.HdrHistogram.Histogram;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.cli.vm.Faults;

/**
 * What was seen while one strategy ran.
 *
 * @param strategy how pages were taken
 * @param faults what became of a DMA to a page that was out
 * @param swapIn when pages came back
 * @param seconds how long it ran
 * @param dmas DMAs that devices did, the blocked ones among them
 * @param expectedFaults DMAs that were blocked, or had to ask and wait, at a page that was being
 *     taken, gone or returning
 * @param spuriousFaults DMAs that were at a page that was present all the while
 * @param pageRequests how often a device asked for a page
 * @param wrongData how often data was not what it must be
 * @param swaps pages taken; all of them were brought back
 * @param madeWhole large pages made whole again
 * @param violations what the machine's sanitizer found
 * @param sanitized whether there was a sanitizer
 * @param statistics what the domain had done at the end
 * @param tables what the domain held
 * @param latency nanoseconds of DMAs that were not blocked, of a part of them
 * @param faultService nanoseconds of DMAs that had to ask for a page which was out
 * @param timeline what happened over time, if that was asked for
 * @param firstWrong the first of the wrong data, and of what the sanitizer found, in words
 */
public record StrategyReport(
        SplitStrategy strategy,
        Faults faults,
        SwapIn swapIn,
        double seconds,
        long dmas,
        long expectedFaults,
        long spuriousFaults,
        long pageRequests,
        long wrongData,
        long swaps,
        long madeWhole,
        long violations,
        boolean sanitized,
        DomainStatistics statistics,
        Tables tables,
        Histogram latency,
        Histogram faultService,
        Optional<StrategyTimeline> timeline,
        List<String> firstWrong) {

    /**
     * What a domain held: leaves and tables.
     *
     * @param before when the VM's memory had been mapped
     * @param worst when there were the most tables
     * @param after when every large page had been made whole again
     */
    public record Tables(DomainStatistics before, DomainStatistics worst, DomainStatistics after) {}

    /** Copies the list. */
    public StrategyReport {
        firstWrong = List.copyOf(firstWrong);
    }

    /**
     * {@return whether the promises were kept} Data is right with every strategy; that no device
     * faults at a page that is there, hitless alone promises.
     */
    public boolean isClean() {
        return wrongData == 0
                && violations == 0
                && (strategy != SplitStrategy.HITLESS || spuriousFaults == 0);
    }

    /** {@return invalidations sent to the units, of every kind} */
    public long invalidations() {
        DomainStatistics.Invalidations sent = statistics.invalidations();
        return sent.page() + sent.domain() + sent.global();
    }

    /** {@return DMAs a second, of all devices together} */
    public double dmasPerSecond() {
        return seconds > 0 ? dmas / seconds : 0;
    }
}
