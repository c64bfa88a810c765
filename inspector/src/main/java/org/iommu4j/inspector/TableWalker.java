package org.iommu4j.inspector;

import org.iommu4j.inspector.Findings.Kind;
import org.iommu4j.walker.PageTableFormat;

/**
 * Walks all tables below one root, in ascending order of I/O virtual addresses, and notes what is
 * wrong with them. It keeps one page a level and no call stack, so that no table can make it run
 * away: a table above itself is not entered again, and one that was seen in this space is not
 * walked twice.
 */
final class TableWalker {
    private static final int ENTRIES = 512;
    private static final int READ = 1;
    private static final int WRITE = 2;
    private static final int USER = 4;

    private final PhysicalView view;
    private final SpaceKey space;
    private final PageTableFormat format;
    private final boolean first;
    private final int hostAddressWidth;
    private final TableLedger ledger;
    private final int number;
    private final Findings findings;

    private final long[][] words;
    private final long[] table;
    private final int[] next;
    private final long[] base;
    private final int[] rights;
    private int level;

    /**
     * Makes a walker.
     *
     * @param view where the tables are
     * @param space what to walk
     * @param hostAddressWidth how many bits a physical address has
     * @param ledger the tables seen so far, in this space and in others
     * @param number which space this is
     * @param findings where what is wrong is noted
     */
    TableWalker(
            PhysicalView view,
            SpaceKey space,
            int hostAddressWidth,
            TableLedger ledger,
            int number,
            Findings findings) {
        this.view = view;
        this.space = space;
        this.format = space.format();
        this.first = space.translation().isFirstStage();
        this.hostAddressWidth = hostAddressWidth;
        this.ledger = ledger;
        this.number = number;
        this.findings = findings;
        int levels = format.levels();
        this.words = new long[levels][ENTRIES];
        this.table = new long[levels];
        this.next = new int[levels];
        this.base = new long[levels];
        this.rights = new int[levels];
    }

    /** Walks; the visitor sees each table before what is in it. */
    void walk(TableVisitor visitor) {
        level = format.levels();
        if (!enter(space.root(), 0, 0, READ | WRITE | USER, visitor)) {
            return;
        }
        while (level < format.levels()) {
            if (next[level] == ENTRIES) {
                level++;
                continue;
            }
            int index = next[level]++;
            long entry = words[level][index];
            if (format.isPresent(entry)) {
                present(entry, address(index), visitor);
            }
        }
    }

    private void present(long entry, long iova, TableVisitor visitor) {
        boolean leaf = format.isLeaf(entry, level) && format.hasLeaves(level);
        long reserved = entry & EntryBits.reserved(first, level, leaf, hostAddressWidth);
        if (reserved != 0) {
            reserved(entry, iova, leaf, reserved);
        }
        int allowed = rights[level] & rightsOf(entry);
        if (leaf) {
            if (first && (allowed & USER) == 0 && findings.wants(Kind.NOT_USER)) {
                findings.put(
                        Kind.NOT_USER,
                        "a leaf that only supervisor requests reach (U/S is 0 on its path): "
                                + FaultReason.FIRST_USER,
                        where(iova));
            }
            long output = format.outputAddress(entry, level);
            visitor.leaf(iova, output, level, entry, allowed & (READ | WRITE));
        } else if (format.isLeaf(entry, level)) {
            return; // a large page where none may be: said above, and it leads nowhere
        } else {
            enter(format.tableAddress(entry), iova, entry, allowed, visitor);
        }
    }

    /** Goes down into a table, unless there is a reason not to. */
    private boolean enter(long page, long iova, long entry, int allowed, TableVisitor visitor) {
        if (!view.holds(page, format.entries() * (long) Long.BYTES)) {
            missing(page, iova);
            return false;
        }
        for (int above = level; above < format.levels(); above++) {
            if (table[above] == page) {
                loop(page, iova, above);
                return false;
            }
        }
        if (ledger.exhausted()) {
            return false;
        }
        int before = ledger.visit(page, number);
        if (before == number) {
            twice(page, iova);
            return false;
        }
        if (before != TableLedger.NEW && findings.wants(Kind.SHARED_SUBTREE)) {
            findings.put(
                    Kind.SHARED_SUBTREE,
                    "the table "
                            + Hex.of(page)
                            + " of level "
                            + (level - 1)
                            + " is also used by other tables",
                    where(iova));
        }
        level--;
        table[level] = page;
        next[level] = 0;
        base[level] = iova;
        rights[level] = allowed;
        view.page(page, words[level]);
        visitor.table(page, level, iova, entry);
        return true;
    }

    /** The first address that an entry decides; first stage extends the highest bit upwards. */
    private long address(int index) {
        long iova = base[level] | (long) index << format.shift(level);
        int width = format.shift(format.levels());
        boolean top = first && level == format.levels() - 1;
        return top ? iova << Long.SIZE - width >> Long.SIZE - width : iova;
    }

    private int rightsOf(long entry) {
        return first ? READ | (int) entry & (WRITE | USER) : (int) entry & (READ | WRITE) | USER;
    }

    private void reserved(long entry, long iova, boolean leaf, long bits) {
        boolean misaligned = leaf && level > 0 && (bits & format.addressMask()) == bits;
        Kind kind = misaligned ? Kind.MISALIGNED : Kind.RESERVED_BITS;
        if (findings.wants(kind)) {
            String what =
                    misaligned
                            ? "a leaf of "
                                    + Hex.bytes(1L << format.shift(level))
                                    + " is not aligned to its size"
                            : "reserved bits are set in "
                                    + (leaf ? "a leaf" : "a table entry")
                                    + " of level "
                                    + level;
            findings.put(
                    kind,
                    what + ": " + Hex.of(bits) + " of " + Hex.of(entry) + "; " + reason(),
                    where(iova));
        }
    }

    private String reason() {
        return "such an access faults: "
                + (first ? FaultReason.FIRST_RESERVED : FaultReason.secondReserved(space.mode()));
    }

    private void missing(long page, long iova) {
        if (findings.wants(Kind.OUTSIDE_IMAGE)) {
            findings.put(
                    Kind.OUTSIDE_IMAGE,
                    tableOf(page) + " is not in the image, which holds " + view.extent(),
                    where(iova));
        }
    }

    private void loop(long page, long iova, int above) {
        if (findings.wants(Kind.LOOP)) {
            findings.put(
                    Kind.LOOP,
                    "a loop: "
                            + tableOf(page)
                            + " is also the table of level "
                            + above
                            + " above it",
                    where(iova));
        }
    }

    private void twice(long page, long iova) {
        if (findings.wants(Kind.REACHED_TWICE)) {
            findings.put(
                    Kind.REACHED_TWICE,
                    tableOf(page) + " is reached a second time; it is counted once",
                    where(iova));
        }
    }

    private String tableOf(long page) {
        return level == format.levels()
                ? "the root " + Hex.of(page) + " of its tables"
                : "the table " + Hex.of(page) + " of level " + (level - 1);
    }

    private String where(long iova) {
        if (level == format.levels()) {
            return space.users();
        }
        int index = next[level] - 1;
        return space.users()
                + ", iova "
                + Hex.of(iova)
                + ", entry at "
                + Hex.of(table[level] + (long) index * Long.BYTES);
    }
}
