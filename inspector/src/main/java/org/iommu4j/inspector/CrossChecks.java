package org.iommu4j.inspector;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.iommu4j.inspector.Findings.Kind;

/** What only shows when all address spaces are looked at together. */
final class CrossChecks {
    private static final int WRITE = 2;

    private final List<DeviceTables> devices;
    private final List<AddressSpace> spaces;
    private final TableLedger ledger;
    private final Findings findings;

    CrossChecks(
            List<DeviceTables> devices,
            List<AddressSpace> spaces,
            TableLedger ledger,
            Findings findings) {
        this.devices = devices;
        this.spaces = spaces;
        this.ledger = ledger;
        this.findings = findings;
    }

    void run() {
        for (AddressSpace space : spaces) {
            if (space.omittedRuns() > 0) {
                findings.add(
                        Kind.LIMIT,
                        "the last "
                                + space.omittedRuns()
                                + " runs were not kept, nor held against the tables and the other"
                                + " domains",
                        space.users());
            }
        }
        mappedTables();
        writableByTwo();
        domainIds();
    }

    /** Mappings through which a device reaches the translation tables themselves. */
    private void mappedTables() {
        long[] tables = ledger.sorted();
        for (AddressSpace space : spaces) {
            for (Run run : space.runs()) {
                int at = Arrays.binarySearch(tables, run.outputAddress());
                int first = at < 0 ? -at - 1 : at;
                long end = run.outputAddress() + run.size();
                if (first < tables.length && tables[first] < end) {
                    reaches(space, run, tables, first);
                }
            }
        }
    }

    private void reaches(AddressSpace space, Run run, long[] tables, int first) {
        boolean writes = (run.rights() & WRITE) != 0;
        Kind kind = writes ? Kind.TABLES_WRITABLE : Kind.TABLES_READABLE;
        if (findings.wants(kind)) {
            int next = Arrays.binarySearch(tables, run.outputAddress() + run.size());
            findings.put(
                    kind,
                    "devices can "
                            + (writes ? "write" : "read")
                            + " "
                            + ((next < 0 ? -next - 1 : next) - first)
                            + " of the VT-d tables themselves, the first at "
                            + Hex.of(tables[first]),
                    where(space, run));
        }
    }

    private record Writable(int space, Run run) {
        long start() {
            return run.outputAddress();
        }

        long end() {
            return run.outputAddress() + run.size();
        }
    }

    /**
     * Sweeps over the writable memory in ascending order, with the run that reaches furthest and
     * the furthest one of any other space: an overlap with a third is one with these too.
     */
    private void writableByTwo() {
        List<Writable> writable = new ArrayList<>();
        for (int space = 0; space < spaces.size(); space++) {
            for (Run run : spaces.get(space).runs()) {
                if ((run.rights() & WRITE) != 0) {
                    writable.add(new Writable(space, run));
                }
            }
        }
        writable.sort(Comparator.comparingLong(Writable::start));
        Overlap overlap = new Overlap();
        List<Writable> furthest = new ArrayList<>(2);
        for (Writable next : writable) {
            for (Writable before : furthest) {
                if (before.space() != next.space() && next.start() < before.end()) {
                    overlap.add(before, next);
                    break;
                }
            }
            replaceFurthest(furthest, next);
        }
        overlap.report();
    }

    private static void replaceFurthest(List<Writable> furthest, Writable next) {
        furthest.add(next);
        furthest.sort(Comparator.comparingLong(Writable::end).reversed());
        int first = furthest.getFirst().space();
        for (int i = furthest.size() - 1; i > 0; i--) {
            if (furthest.get(i).space() == first) {
                furthest.remove(i);
            }
        }
        if (furthest.size() > 2) {
            furthest.removeLast();
        }
    }

    /** Joins overlaps of the same two spaces that touch, so that each is one finding. */
    private final class Overlap {
        private final Map<List<Integer>, long[]> open = new HashMap<>();

        void add(Writable before, Writable next) {
            long start = next.start();
            long end = Math.min(before.end(), next.end());
            List<Integer> pair =
                    List.of(
                            Math.min(before.space(), next.space()),
                            Math.max(before.space(), next.space()));
            long[] joined = open.computeIfAbsent(pair, p -> new long[] {start, end, 0});
            joined[1] = Math.max(joined[1], end);
            joined[2] += end - start;
        }

        void report() {
            open.entrySet().stream()
                    .sorted(Comparator.comparingLong(entry -> entry.getValue()[0]))
                    .forEach(entry -> {
                        long[] range = entry.getValue();
                        findings.add(
                                Kind.WRITABLE_BY_TWO,
                                "two domains can write the same memory: "
                                        + Hex.bytes(range[2])
                                        + " within "
                                        + Hex.range(range[0], range[1]),
                                spaces.get(entry.getKey().get(0)).users()
                                        + " and "
                                        + spaces.get(entry.getKey().get(1)).users());
                    });
        }
    }

    /**
     * The hardware tags what it caches with the domain id, and for first-stage tables with the
     * PASID too.
     */
    private void domainIds() {
        record Tag(int domainId, boolean first, OptionalInt pasid) {}
        Map<Tag, DeviceTables> byTag = new HashMap<>();
        Map<Integer, DeviceTables> byId = new HashMap<>();
        for (DeviceTables device : devices) {
            if (device.space().isEmpty()) {
                continue;
            }
            boolean first = device.translation().isFirstStage();
            Tag tag =
                    new Tag(device.domainId(), first, first ? device.pasid() : OptionalInt.empty());
            DeviceTables before = byTag.putIfAbsent(tag, device);
            DeviceTables sameId = byId.putIfAbsent(device.domainId(), device);
            if (before != null && before.root() != device.root()) {
                findings.add(
                        Kind.DOMAIN_ID_REUSED,
                        "domain id "
                                + device.domainId()
                                + " is used with different roots, "
                                + Hex.of(before.root())
                                + " and "
                                + Hex.of(device.root())
                                + ": the hardware cannot tell their translations apart",
                        before.name() + " and " + device.name());
            } else if (sameId != null && sameId.translation().isFirstStage() != first) {
                findings.add(
                        Kind.DOMAIN_ID_REUSED,
                        "domain id "
                                + device.domainId()
                                + " is used for first-stage and for second-stage tables",
                        sameId.name() + " and " + device.name());
            }
        }
    }

    private static String where(AddressSpace space, Run run) {
        return space.users() + ", iova " + Hex.range(run.iova(), run.iova() + run.size());
    }
}
