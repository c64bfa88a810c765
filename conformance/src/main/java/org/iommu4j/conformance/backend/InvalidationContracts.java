package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.conformance.Contract;
import org.iommu4j.machine.RemappingUnit;

/** G: what devices still reach after an invalidation, whatever their unit had cached. */
final class InvalidationContracts {

    private InvalidationContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.G2,
                        "a page that was unmapped out of a leaf that the unit had cached is gone",
                        InvalidationContracts::cachedLeavesAreForgotten),
                must(
                        Rule.G2,
                        "so is one that was unmapped under a split that is pending",
                        InvalidationContracts::cachedLeavesUnderAPendingSplitAreForgotten),
                must(
                        Rule.G3,
                        "where tables came and went, devices see what is mapped now",
                        InvalidationContracts::cachedTablesAreForgotten),
                must(
                        Rule.G4,
                        "after a sync of far-apart and very large ranges devices reach none of them",
                        InvalidationContracts::everyRangeIsForgotten),
                must(
                        Rule.G5,
                        "a device that was blocked reaches what is mapped there then",
                        InvalidationContracts::absenceIsForgotten),
                must(
                        Rule.G7,
                        "after one unmap no device of any unit reaches the page",
                        InvalidationContracts::everyUnitForgets));
    }

    private static void cachedLeavesAreForgotten(Trial trial) {
        Bus bus = trial.bus();
        long page = trial.page();
        long large = trial.large();
        long frames = bus.frames(large);
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        for (int i = 0; i < 8; i++) {
            long base = trial.place();
            long hole = page + trial.random.nextLong(large / page - 2) * page;
            domain.map(base, frames, large, Access.READ_WRITE);
            touch(bus, base, large);
            bus.read(0, base + hole, new long[1]);
            domain.unmap(base + hole, page);
            bus.requireBlocked(0, base + hole, "which was unmapped out of a cached leaf");
            domain.unmap(base + hole - page, page);
            bus.requireBlocked(0, base + hole - page, "which was unmapped beside it");
        }
    }

    private static void touch(Bus bus, long base, long size) {
        for (long at = 0; at < size; at += size / 8) {
            bus.read(0, base + at, new long[1]);
        }
    }

    private static void cachedLeavesUnderAPendingSplitAreForgotten(Trial trial) {
        Bus bus = trial.bus();
        long page = trial.page();
        long large = trial.large();
        long frames = bus.frames(large);
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        for (int i = 0; i < 8; i++) {
            long base = trial.place();
            domain.map(base, frames, large, Access.READ_WRITE);
            touch(bus, base, large);
            IotlbGather pending = domain.gather();
            domain.unmap(base + 3 * page, page, pending);
            touch(bus, base, large);
            bus.read(0, base + 9 * page, new long[1]);
            domain.unmap(base + 9 * page, page);
            bus.requireBlocked(0, base + 9 * page, "which was unmapped under a pending split");
            domain.flush(pending);
            bus.requireBlocked(0, base + 3 * page, "whose unmap was synced");
        }
    }

    private static void cachedTablesAreForgotten(Trial trial) {
        Bus bus = trial.bus();
        long page = trial.page();
        long large = trial.large();
        long frames = bus.frames(large);
        NotedDomain domain = trial.domain(DomainOptions.defaults().withEmptyTables(0));
        trial.iommu().attach(bus.source(0), domain.itself());
        for (int i = 0; i < 16; i++) {
            long base = trial.place();
            domain.map(base + large, frames, page, Access.READ); // so that upper tables stay
            long at = trial.random.nextLong(large / page) * page;
            domain.map(base + at, frames, page, Access.READ_WRITE);
            bus.poke(frames, 0x100 + i);
            bus.requireRead(0, base + at, 0x100 + i, "in a page");
            domain.unmap(base + at, page);
            domain.map(base, frames, large, Access.READ_WRITE);
            bus.poke(frames + at, 0x200 + i);
            bus.requireRead(0, base + at, 0x200 + i, "in a large leaf where a table was");
            domain.unmap(base, large);
            bus.requireBlocked(0, base + at, "which was unmapped with its leaf");
            domain.map(base + at, frames, page, Access.READ);
            bus.poke(frames, 0x300 + i);
            bus.requireRead(0, base + at, 0x300 + i, "in a page where a leaf was");
            domain.unmap(base + at, page);
        }
    }

    private static void everyRangeIsForgotten(Trial trial) {
        Bus bus = trial.bus();
        long page = trial.page();
        long frames = bus.frames(16 * page);
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        for (int round = 0; round < 4; round++) {
            alignedRange(trial, bus, domain, frames, round + 1);
            IotlbGather gather = domain.gather();
            long[] at = new long[10];
            for (int i = 0; i < at.length; i++) {
                at[i] = trial.place() + trial.random.nextInt(5000) * page;
                domain.map(at[i], frames, 3 * page, Access.READ_WRITE);
                bus.read(0, at[i] + (i % 3) * page, new long[1]);
                domain.unmap(at[i], 3 * page, gather);
            }
            domain.flush(gather);
            for (int i = 0; i < at.length; i++) {
                bus.requireBlocked(0, at[i] + (i % 3) * page, "whose gather was synced");
            }
            long base = trial.place();
            long size = Math.min(Math.max(trial.sizes().getLast(), 64 * page), trial.placeBytes());
            domain.map(base, 0, size, Access.READ);
            long offset = frames < size ? frames : 0;
            bus.read(0, base + offset, new long[1]);
            domain.unmap(base + page, size - 2 * page);
            if (offset >= page && offset < size - page) {
                bus.requireBlocked(0, base + offset, "in a range of " + Hex.of(size - 2 * page));
            }
            domain.unmap(base, size);
        }
    }

    /** Unmaps a power of two of pages beside others that stay: one request of a mask, it may be. */
    private static void alignedRange(
            Trial trial, Bus bus, NotedDomain domain, long frames, int order) {
        long page = trial.page();
        long size = page << order;
        long base = trial.place();
        for (long at = 0; at < 2 * size; at += page) {
            domain.map(base + at, frames + at % (16 * page), page, Access.READ_WRITE);
            bus.read(0, base + at, new long[1]);
        }
        domain.unmap(base, size);
        for (long at = 0; at < size; at += page) {
            bus.requireBlocked(0, base + at, "in an aligned range of " + Hex.of(size));
        }
    }

    private static void absenceIsForgotten(Trial trial) {
        Bus bus = trial.bus();
        long page = trial.page();
        long frames = bus.frames(8 * page);
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        for (int i = 0; i < 24; i++) {
            long iova = trial.place() + trial.random.nextInt(2000) * page;
            bus.requireBlocked(0, iova, "where nothing was ever mapped");
            bus.poke(frames, 0x700 + i);
            if (i % 3 == 0) {
                IotlbGather gather = domain.gather();
                domain.map(iova, frames, page, Access.READ_WRITE, gather);
                domain.flush(gather);
            } else {
                domain.map(iova, frames, (1 + i % 8) * page, Access.READ_WRITE);
            }
            bus.requireRead(0, iova, 0x700 + i, "which was blocked before, and is mapped now");
            domain.unmap(iova, 8 * page);
            bus.requireBlocked(0, iova, "which was unmapped");
        }
    }

    private static void everyUnitForgets(Trial trial) {
        Bus bus = trial.bus();
        Map<Integer, Integer> deviceOfUnit = new TreeMap<>();
        List<RemappingUnit> units = trial.machine().orElseThrow().remappingUnits();
        for (int device = bus.devices() - 1; device >= 0; device--) {
            for (int unit = 0; unit < units.size(); unit++) {
                if (units.get(unit).covers(bus.source(device))) {
                    deviceOfUnit.put(unit, device);
                }
            }
        }
        if (deviceOfUnit.size() < 2) {
            throw trial.evidence.skip("the machine has no devices behind two remapping units");
        }
        long page = trial.page();
        long frames = bus.frames(page);
        NotedDomain domain = trial.domain();
        deviceOfUnit
                .values()
                .forEach(device -> trial.iommu().attach(bus.source(device), domain.itself()));
        for (int i = 0; i < 8; i++) {
            long iova = trial.place();
            domain.map(iova, frames, page, Access.READ_WRITE);
            bus.poke(frames, 0x900 + i);
            for (int device : deviceOfUnit.values()) {
                bus.requireRead(device, iova, 0x900 + i, "which is mapped for all units");
            }
            domain.unmap(iova, page);
            for (int device : deviceOfUnit.values()) {
                bus.requireBlocked(device, iova, "which was unmapped for all units");
            }
        }
    }
}
