package org.iommu4j.inspector;

import java.util.Locale;
import java.util.OptionalInt;
import org.iommu4j.inspector.Findings.Kind;
import org.iommu4j.machine.SourceId;

/**
 * Goes through the root, context and PASID structures and names every device and PASID that has a
 * present entry.
 */
final class DeviceScan {
    private static final int PAGE = 4096;
    private static final int WORDS = PAGE / Long.BYTES;
    private static final int BUSES = 256;

    /** What all PASID structures of an image may have; more is not a machine any more. */
    private static final int MAX_PAGES = 1 << 17;

    private final PhysicalView view;
    private final RootPointer root;
    private final TableLedger ledger;
    private final Findings findings;
    private final Found found;
    private int pages;

    /** Hears of a present entry. */
    interface Found {
        /** As of the entry; what is invalid was reported already. */
        void device(SourceId device, OptionalInt pasid, TableUse use);
    }

    /** The number under which the ledger knows these structures. */
    static final int STRUCTURES = -2;

    DeviceScan(
            PhysicalView view,
            RootPointer root,
            TableLedger ledger,
            Findings findings,
            Found found) {
        this.view = view;
        this.root = root;
        this.ledger = ledger;
        this.findings = findings;
        this.found = found;
    }

    /** Goes through all of them. The root table must be there. */
    void run() {
        long[] words = new long[WORDS];
        read(root.table(), words);
        boolean legacy = root.mode() == Mode.LEGACY;
        int present = 0;
        for (int bus = 0; bus < BUSES; bus++) {
            long low = words[2 * bus];
            long high = words[2 * bus + 1];
            present += rootEntry(bus, low, 0, legacy);
            if (!legacy) {
                present += rootEntry(bus, high, 0x80, false);
            } else if ((low & Structures.PRESENT) != 0 && high != 0) {
                reserved(Kind.ROOT_RESERVED, "the root entry's high half", high, busName(bus));
            }
        }
        if (present == 0) {
            findings.add(
                    Kind.ROOT_EMPTY,
                    "the root table is empty: no bus has a context table",
                    "root table at " + Hex.of(root.table()));
        }
    }

    private int rootEntry(int bus, long entry, int firstFunction, boolean legacy) {
        if ((entry & Structures.PRESENT) == 0) {
            return 0;
        }
        if ((entry & Structures.ROOT_RESERVED) != 0) {
            reserved(
                    Kind.ROOT_RESERVED,
                    "the root entry",
                    entry & Structures.ROOT_RESERVED,
                    busName(bus));
        }
        long table = entry & Structures.ADDRESS;
        long[] words = new long[WORDS];
        if (there(table, "context table", busName(bus))) {
            read(table, words);
            int step = legacy ? 2 : 4;
            for (int i = 0; i < WORDS / step; i++) {
                if ((words[i * step] & Structures.PRESENT) != 0) {
                    int function = firstFunction + i;
                    SourceId device = new SourceId(0, bus, function >> 3, function & 7);
                    if (legacy) {
                        legacyContext(device, words[i * step], words[i * step + 1]);
                    } else {
                        scalableContext(device, words, i * step);
                    }
                }
            }
        }
        return 1;
    }

    private void legacyContext(SourceId device, long low, long high) {
        String where = DeviceTables.deviceName(device);
        long wrong = low & Structures.LEGACY_RESERVED_LOW;
        if ((wrong | high & Structures.LEGACY_RESERVED_HIGH) != 0) {
            reserved(Kind.CONTEXT_INVALID, "the context entry", wrong != 0 ? low : high, where);
        }
        use(device, OptionalInt.empty(), TableUse.ofLegacyContext(low, high), where);
    }

    private void scalableContext(SourceId device, long[] words, int at) {
        String where = DeviceTables.deviceName(device);
        long low = words[at];
        if ((low & Structures.SCALABLE_RESERVED_LOW
                        | words[at + 1] & Structures.SCALABLE_RESERVED_SECOND
                        | words[at + 2]
                        | words[at + 3])
                != 0) {
            reserved(Kind.CONTEXT_INVALID, "the context entry", low, where);
        }
        long directory = low & Structures.ADDRESS;
        int entries = Structures.pasids(low) / Structures.PASIDS_A_TABLE;
        long[] page = new long[WORDS];
        for (int first = 0; first < entries && roomFor(where); first += WORDS) {
            long at4k = directory + (long) first * Long.BYTES;
            int here = Math.min(WORDS, entries - first);
            if (!view.holds(at4k, (long) here * Long.BYTES)) {
                there(at4k, "PASID directory", where);
                return;
            }
            ledger.visit(at4k, STRUCTURES);
            for (int i = 0; i < here; i++) {
                page[i] = view.load(at4k + (long) i * Long.BYTES);
            }
            for (int i = 0; i < here; i++) {
                if ((page[i] & Structures.PRESENT) != 0) {
                    pasidTable(device, first + i, page[i]);
                }
            }
        }
    }

    private void pasidTable(SourceId device, int index, long entry) {
        int first = index * Structures.PASIDS_A_TABLE;
        String where = DeviceTables.deviceName(device) + ", PASIDs from " + first;
        if ((entry & Structures.DIRECTORY_RESERVED) != 0) {
            reserved(
                    Kind.PASID_INVALID,
                    "the PASID directory entry",
                    entry & Structures.DIRECTORY_RESERVED,
                    where);
        }
        long table = entry & Structures.ADDRESS;
        if (!roomFor(where) || !there(table, "PASID table", where)) {
            return;
        }
        long[] words = new long[WORDS];
        read(table, words);
        int step = Structures.PASID_ENTRY / Long.BYTES;
        for (int i = 0; i < Structures.PASIDS_A_TABLE; i++) {
            long low = words[i * step];
            if ((low & Structures.PRESENT) != 0) {
                TableUse use = TableUse.ofPasid(low, words[i * step + 1], words[i * step + 2]);
                use(
                        device,
                        OptionalInt.of(first + i),
                        use,
                        DeviceTables.deviceName(device) + " pasid " + (first + i));
            }
        }
    }

    private void use(SourceId device, OptionalInt pasid, TableUse use, String where) {
        if (use.invalid() == null) {
            found.device(device, pasid, use);
        } else {
            boolean ofContext = pasid.isEmpty();
            findings.add(
                    ofContext ? Kind.CONTEXT_INVALID : Kind.PASID_INVALID,
                    "the "
                            + (ofContext ? "context" : "PASID")
                            + " entry is not legal: "
                            + use.invalid()
                            + "; every request faults: "
                            + (ofContext ? FaultReason.CONTEXT_INVALID : FaultReason.PASID_INVALID),
                    where);
        }
    }

    private boolean roomFor(String where) {
        if (pages++ < MAX_PAGES) {
            return true;
        }
        findings.add(
                Kind.LIMIT,
                "more than " + MAX_PAGES + " pages of PASID structures; the rest was left out",
                where);
        return false;
    }

    private void read(long page, long[] words) {
        ledger.visit(page, STRUCTURES);
        view.page(page, words);
    }

    private boolean there(long page, String what, String where) {
        boolean there = view.holds(page, PAGE);
        if (!there) {
            findings.add(
                    Kind.OUTSIDE_IMAGE,
                    "the "
                            + what
                            + " "
                            + Hex.of(page)
                            + " is not in the image, which holds "
                            + view.extent(),
                    where);
        }
        return there;
    }

    private void reserved(Kind kind, String what, long bits, String where) {
        findings.add(kind, "reserved bits are set in " + what + ": " + Hex.of(bits), where);
    }

    private static String busName(int bus) {
        return "bus " + String.format(Locale.ROOT, "%02x", bus);
    }
}
