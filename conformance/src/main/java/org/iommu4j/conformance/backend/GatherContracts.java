package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;

import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.conformance.Contract;

/** G: what a gather holds, and when what it holds is over with. */
final class GatherContracts {

    private static final int COLLECTIONS = 100;

    private GatherContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.G1,
                        "no table page comes back while the invalidation is held up",
                        GatherContracts::pagesWaitForTheInvalidation),
                must(
                        Rule.G1,
                        "a wait that failed completes nothing, and nothing of it is lost",
                        GatherContracts::aFailedWaitCompletesNothing),
                must(
                        Rule.G2,
                        "what is flushed after a part of a leaf was unmapped covers the leaf",
                        GatherContracts::theWholeLeafIsFlushed),
                must(
                        Rule.G2,
                        "a later unmap or map under a split that is pending flushes the whole leaf too",
                        GatherContracts::aPendingSplitIsFlushedWhole),
                must(
                        Rule.G3,
                        "a gather says that structure changed after a split, and after a table went",
                        GatherContracts::structureIsMarked),
                must(
                        Rule.G4,
                        "everything that was unmapped is in what is flushed",
                        GatherContracts::allRangesAreFlushed),
                must(
                        Rule.G6,
                        "a gather that is synced twice, or is empty, does no harm",
                        GatherContracts::syncedTwice),
                must(
                        Rule.G6,
                        "what a dropped gather held is flushed, and its pages come back",
                        GatherContracts::aDroppedGatherIsFlushed),
                must(
                        Rule.G6,
                        "another domain's gather is refused, and nothing changes",
                        GatherContracts::anotherDomainsGatherIsRefused));
    }

    /** A domain that keeps no empty tables, with one table that an unmap of a page empties. */
    private static NotedDomain eager(Trial trial) {
        return trial.domain(DomainOptions.defaults().withEmptyTables(0));
    }

    private static void pagesWaitForTheInvalidation(Trial trial) {
        NotedDomain domain = eager(trial);
        FlushRecord flushes = trial.flushes();
        long page = trial.page();
        int before = trial.pages().count();
        for (int i = 0; i < 4; i++) {
            long base = trial.place();
            domain.map(base, trial.output(), page, Access.READ);
            Set<Long> mapped = trial.pages().lent();
            IotlbGather gather = domain.gather();
            domain.unmap(base, page, gather);
            requireAllLent(trial, mapped, "after an unmap whose gather is not synced");
            flushes.hold();
            FlushCompletion completion = domain.sync(gather);
            requireAllLent(trial, mapped, "while the invalidation is held up");
            trial.evidence.require(
                    !completion.isDone(),
                    () -> "a completion says that it has happened while its flush is held up");
            domain.map(trial.place(), trial.output(), page, Access.READ, domain.gather());
            requireAllLent(trial, mapped, "while the invalidation is held up");
            flushes.release();
            trial.evidence.require(
                    completion.isDone(), () -> "a completion has not happened after its flush");
        }
        for (int i = 0; i < 4; i++) {
            domain.itself().trim();
        }
        trial.evidence.note(trial.pages().count() - before + " pages more are taken at the end");
    }

    private static void requireAllLent(Trial trial, Set<Long> pages, String when) {
        for (long page : pages) {
            trial.evidence.require(
                    trial.pages().isLent(page),
                    () ->
                            "the table page "
                                    + Hex.of(page)
                                    + " was given back "
                                    + when
                                    + ": the unit may still walk it");
        }
    }

    private static void aFailedWaitCompletesNothing(Trial trial) {
        NotedDomain domain = eager(trial);
        FlushRecord flushes = trial.flushes();
        long page = trial.page();
        long base = trial.place();
        domain.map(base, trial.output(), page, Access.READ);
        Set<Long> mapped = trial.pages().lent();
        IotlbGather gather = domain.gather();
        domain.unmap(base, page, gather);
        flushes.fail(true);
        Refusal.of(
                IommuException.class,
                "a sync whose wait for the unit fails",
                trial.evidence,
                () -> domain.flush(gather));
        requireAllLent(trial, mapped, "after a wait that failed");
        flushes.fail(false);
        flushes.clear();
        domain.flush(gather);
        trial.evidence.require(
                flushes.flushes().stream().anyMatch(flush -> flush.covers(base, page)),
                () -> "after a wait that failed, the next sync flushes " + flushes.flushes());
    }

    private static void theWholeLeafIsFlushed(Trial trial) {
        NotedDomain domain = trial.domain();
        FlushRecord flushes = trial.flushes();
        for (long size : trial.largeSizes()) {
            long base = trial.place();
            domain.map(base, trial.output(), size, Access.READ);
            flushes.clear();
            domain.unmap(base + size / 2, trial.page());
            requireCovered(trial, base, size, "the unmap of a page of it");
            long other = trial.place();
            domain.map(other, trial.output(), size, Access.READ);
            IotlbGather gather = domain.gather();
            domain.cut(other + size / 2, trial.page(), gather);
            flushes.clear();
            domain.flush(gather);
            requireCovered(trial, other, size, "a cut in it");
        }
    }

    private static void requireCovered(Trial trial, long base, long size, String after) {
        List<FlushRecord.Flush> flushed = trial.flushes().flushes();
        trial.evidence.require(
                flushed.stream().anyMatch(flush -> flush.covers(base, size)),
                () ->
                        "the leaf "
                                + Hex.range(base, size)
                                + " may still be cached whole after "
                                + after
                                + ": only this was flushed: "
                                + flushed);
    }

    private static void aPendingSplitIsFlushedWhole(Trial trial) {
        NotedDomain domain = trial.domain();
        FlushRecord flushes = trial.flushes();
        long page = trial.page();
        for (long size : trial.largeSizes()) {
            long base = trial.place();
            domain.map(base, trial.output(), size, Access.READ);
            IotlbGather pending = domain.gather();
            domain.unmap(base + page, page, pending);
            flushes.clear();
            domain.unmap(base + 5 * page, page);
            requireCovered(trial, base, size, "an unmap under a split that is pending");
            long other = trial.place();
            domain.map(other, trial.output(), size, Access.READ);
            IotlbGather again = domain.gather();
            domain.unmap(other + page, page, again);
            flushes.clear();
            domain.map(other + page, trial.output(), page, Access.READ);
            requireCovered(trial, other, size, "a map under a split that is pending");
            domain.flush(pending);
            domain.flush(again);
        }
    }

    private static void structureIsMarked(Trial trial) {
        NotedDomain domain = eager(trial);
        FlushRecord flushes = trial.flushes();
        long page = trial.page();
        for (long size : trial.largeSizes()) {
            long base = trial.place();
            domain.map(base, trial.output(), size, Access.READ);
            flushes.clear();
            domain.unmap(base + size / 2, page);
            requireStructure(trial, base, size, "a page was unmapped out of a leaf");
            flushes.clear();
            domain.unmap(base, size);
            requireStructure(trial, base + size / 2 + page, page, "a table was unlinked");
        }
        long base = trial.place();
        domain.map(base, trial.output(), page, Access.READ);
        flushes.clear();
        domain.unmap(base, page);
        requireStructure(
                trial, base, page, "the last page of a table was unmapped, and the table went");
    }

    private static void requireStructure(Trial trial, long base, long size, String when) {
        List<FlushRecord.Flush> flushed = trial.flushes().flushes();
        trial.evidence.require(
                flushed.stream().anyMatch(flush -> flush.structure() && flush.covers(base, size)),
                () ->
                        "when "
                                + when
                                + ", a non-leaf entry changed in "
                                + Hex.range(base, size)
                                + ", and the unit may keep its paging-structure caches: "
                                + flushed);
    }

    private static void allRangesAreFlushed(Trial trial) {
        NotedDomain domain = trial.domain();
        FlushRecord flushes = trial.flushes();
        long page = trial.page();
        long base = trial.place();
        for (int round = 0; round < 6; round++) {
            IotlbGather gather = domain.gather();
            long[] at = new long[12];
            for (int i = 0; i < at.length; i++) {
                at[i] = base + i * (77 * page) + trial.random.nextInt(40) * page;
                domain.map(at[i], trial.output() + page, 5 * page, Access.READ);
                domain.unmap(at[i], 5 * page, gather);
            }
            flushes.clear();
            domain.flush(gather);
            for (long each : at) {
                for (int i = 0; i < 5; i++) {
                    long one = each + i * page;
                    trial.evidence.require(
                            flushes.flushes().stream().anyMatch(flush -> flush.covers(one, page)),
                            () ->
                                    Hex.of(one)
                                            + " was unmapped, and is not in what was flushed: "
                                            + flushes.flushes());
                }
            }
        }
    }

    private static void syncedTwice(Trial trial) {
        NotedDomain domain = eager(trial);
        long page = trial.page();
        long base = trial.place();
        domain.map(base, trial.output(), page, Access.READ);
        IotlbGather gather = domain.gather();
        domain.flush(gather);
        domain.unmap(base, page, gather);
        domain.flush(gather);
        trial.evidence.require(gather.isEmpty(), () -> "after a sync the gather holds " + gather);
        domain.flush(gather);
        domain.map(base, trial.output(), page, Access.READ, gather);
        domain.unmap(base, page, gather);
        gather.close();
        trial.evidence.require(gather.isEmpty(), () -> "after close the gather holds " + gather);
    }

    private static void aDroppedGatherIsFlushed(Trial trial) throws InterruptedException {
        NotedDomain domain = eager(trial);
        FlushRecord flushes = trial.flushes();
        long page = trial.page();
        long base = trial.place();
        int before = trial.pages().count();
        domain.map(base, trial.output(), page, Access.READ);
        flushes.clear();
        dropAGather(domain, base, page);
        for (int i = 0; i < COLLECTIONS; i++) {
            System.gc();
            boolean covered =
                    flushes.flushes().stream().anyMatch(flush -> flush.covers(base, page));
            if (covered && trial.pages().count() <= before) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(10);
        }
        throw trial.evidence.broken(
                "a gather with an unmapped page was dropped, and "
                        + (trial.pages().count() - before)
                        + " table pages are still taken; flushed was "
                        + flushes.flushes());
    }

    private static void dropAGather(NotedDomain domain, long base, long page) {
        domain.unmap(base, page, domain.gather());
    }

    private static void anotherDomainsGatherIsRefused(Trial trial) {
        NotedDomain domain = trial.domain();
        NotedDomain other = trial.domain();
        long page = trial.page();
        long base = trial.place();
        domain.map(base, trial.output(), 2 * page, Access.READ);
        IotlbGather wrong = other.gather();
        Picture before = Picture.of(trial, domain, null, wrong, base, 4 * page);
        refused(trial, "an unmap", () -> domain.unmap(base, page, wrong));
        refused(trial, "a cut", () -> domain.cut(base + page, page, wrong));
        refused(
                trial,
                "a map",
                () -> domain.map(base + 2 * page, trial.output(), page, Access.READ, wrong));
        refused(trial, "a sync", () -> domain.flush(wrong));
        before.requireSame("after calls with another domain's gather");
    }

    private static void refused(Trial trial, String what, Runnable call) {
        Refusal.of(
                IllegalArgumentException.class,
                what + " with another domain's gather",
                trial.evidence,
                call);
    }
}
