package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.conformance.Contract;

/** D: dirty tracking. */
final class DirtyContracts {

    private DirtyContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.D1,
                        "each write is in a report that was synced after it",
                        DirtyContracts::everyWriteIsReported),
                must(
                        Rule.D2,
                        "one write into a large leaf makes as much dirty as was asked for",
                        DirtyContracts::granularityIsKept),
                must(
                        Rule.D3,
                        "what is written again after it was cleared is reported again",
                        DirtyContracts::clearedIsClear),
                must(
                        Rule.D4,
                        "what was written and then unmapped is reported",
                        DirtyContracts::unmappedIsReported));
    }

    /** A domain with a device, or with the kit in its place. */
    private static final class Writing {

        private final Trial trial;
        private final NotedDomain domain;
        private final long page;
        private final long base;
        private final long size;
        private final DirtyTracking tracking;
        private final LongConsumer writer;

        Writing(Trial trial) {
            this.trial = trial;
            trial.require(Feature.DIRTY_TRACKING);
            this.domain = trial.domain();
            this.page = trial.page();
            this.size = trial.sizes().size() > 1 ? trial.large() : 64 * page;
            boolean devices =
                    trial.capabilities().has(Feature.ATTACH)
                            && trial.machine().filter(m -> !m.devices().isEmpty()).isPresent();
            if (devices) {
                Bus bus = trial.bus();
                trial.iommu().attach(bus.source(0), domain.itself());
                this.writer = iova -> bus.write(0, iova, 1);
                this.base = mapped(bus.frames(size));
            } else {
                UnitTables tables = trial.tables(domain);
                this.writer = iova -> setDirty(tables, iova);
                this.base = mapped(trial.output());
            }
            this.tracking = domain.itself().trackDirty(new DirtyOptions(page, false));
            trial.evidence.note("trackDirty of " + Hex.of(page));
        }

        private long mapped(long output) {
            long iova = trial.place();
            domain.map(iova, output, size, Access.READ_WRITE);
            return iova;
        }

        private static void setDirty(UnitTables tables, long iova) {
            long bits = tables.format().accessedMask() | tables.format().dirtyMask();
            UnitTables.Walk walk = tables.walk(iova);
            if (walk.found()) {
                tables.setBits(walk.entryAddress(), walk.entry(), bits);
            }
        }

        void write(int index) {
            trial.evidence.note("a write to " + Hex.of(base + index * page));
            writer.accept(base + index * page);
        }

        /** Reports and clears; the numbers of the pages that were dirty. */
        Set<Integer> report() {
            return report(false);
        }

        /** The same, where nothing was unmapped since the last time. */
        Set<Integer> reportOfWhatStays() {
            return report(true);
        }

        private Set<Integer> report(boolean stayMapped) {
            Set<Integer> dirty = new TreeSet<>();
            IotlbGather gather = domain.gather();
            tracking.readAndClear(base, size, (iova, bytes) -> add(iova, bytes, dirty), gather);
            if (stayMapped) {
                requireGathered(dirty, gather);
            }
            domain.flush(gather);
            trial.evidence.note("reported and cleared: pages " + dirty);
            return dirty;
        }

        /* Else a unit writes on through what it has cached, dirty already, and no later report has that. */
        private void requireGathered(Set<Integer> dirty, IotlbGather gather) {
            for (int index : dirty) {
                long iova = base + index * page;
                boolean covered = false;
                for (int i = 0; i < gather.rangeCount(); i++) {
                    covered |= gather.rangeStart(i) <= iova && iova + page <= gather.rangeEnd(i);
                }
                if (!covered) {
                    throw trial.evidence.broken(
                            "D3",
                            "the dirty bit of "
                                    + Hex.of(iova)
                                    + " was cleared, and the gather of the report does not cover"
                                    + " it: "
                                    + gather);
                }
            }
        }

        /** Reports, and clears nothing. */
        Set<Integer> peek() {
            Set<Integer> dirty = new TreeSet<>();
            tracking.peek(base, size, (iova, bytes) -> add(iova, bytes, dirty));
            trial.evidence.note("seen, and not cleared: pages " + dirty);
            return dirty;
        }

        private void add(long iova, long bytes, Set<Integer> dirty) {
            for (long at = iova; at < iova + bytes; at += page) {
                dirty.add((int) ((at - base) / page));
            }
        }

        int pages() {
            return (int) (size / page);
        }
    }

    private static void everyWriteIsReported(Trial trial) {
        Writing writing = new Writing(trial);
        writing.report();
        for (int round = 0; round < 8; round++) {
            Set<Integer> written = new TreeSet<>();
            for (int i = 0; i < 20; i++) {
                int page = trial.random.nextInt(writing.pages());
                writing.write(page);
                written.add(page);
            }
            requireReported(trial, written, writing.peek());
            requireReported(trial, written, writing.report());
        }
        writing.tracking.close();
    }

    private static void requireReported(Trial trial, Set<Integer> written, Set<Integer> dirty) {
        trial.evidence.require(
                dirty.containsAll(written),
                () -> "pages " + written + " were written, and only " + dirty + " reported");
    }

    private static void granularityIsKept(Trial trial) {
        Writing writing = new Writing(trial);
        writing.report();
        for (int i = 0; i < 8; i++) {
            int page = trial.random.nextInt(writing.pages());
            writing.write(page);
            Set<Integer> dirty = writing.report();
            trial.evidence.require(
                    dirty.equals(Set.of(page)),
                    () ->
                            "page "
                                    + page
                                    + " was written, and "
                                    + dirty.size()
                                    + " pages of "
                                    + Hex.of(writing.page)
                                    + " bytes are reported: "
                                    + dirty);
        }
        writing.tracking.close();
    }

    private static void clearedIsClear(Trial trial) {
        Writing writing = new Writing(trial);
        writing.report();
        int page = trial.random.nextInt(writing.pages());
        for (int i = 0; i < 8; i++) {
            writing.write(page);
            writing.write(page);
            requireReported(trial, Set.of(page), writing.reportOfWhatStays());
            trial.evidence.require(
                    writing.report().isEmpty(),
                    () -> "page " + page + " was cleared, not written, and is reported again");
        }
        writing.tracking.close();
    }

    private static void unmappedIsReported(Trial trial) {
        Writing writing = new Writing(trial);
        writing.report();
        int page = trial.random.nextInt(writing.pages());
        writing.write(page);
        writing.domain.unmap(writing.base + page * writing.page, writing.page);
        requireReported(trial, Set.of(page), writing.report());
        writing.tracking.close();
    }
}
