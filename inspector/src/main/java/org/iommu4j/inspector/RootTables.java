package org.iommu4j.inspector;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.iommu4j.walker.PageTableFormat;

/**
 * Finds what looks like a root table in memory of which nobody knows the register. A page is one if
 * every entry obeys the reserved bits and leads to a context table most of whose entries do too; it
 * ranks by how many entries of all that are present and lead to something.
 */
public final class RootTables {

    private static final int WORDS = 512;
    private static final int MAX_CANDIDATES = 64;
    private static final int SHOW_EVERY = 1 << 14;

    private final PhysicalView view;
    private final long[] root = new long[WORDS];
    private final long[] context = new long[WORDS];
    private final long[] top = new long[WORDS];
    private int contexts;

    private RootTables(PhysicalView view) {
        this.view = view;
    }

    /**
     * Something that looks like a root table.
     *
     * @param root where it is, with its mode
     * @param contexts how many sound context entries it leads to
     * @param score how well it fits; higher is better
     */
    public record Candidate(RootPointer root, int contexts, long score) {}

    /**
     * Looks at every page.
     *
     * @param view the memory
     * @param progress hears how far it has come
     * @return what looks like a root table, best first
     */
    public static List<Candidate> find(PhysicalView view, Progress progress) {
        return new RootTables(view).search(progress);
    }

    private List<Candidate> search(Progress progress) {
        List<Candidate> found = new ArrayList<>();
        long seen = 0;
        for (long page = view.nextPage(0);
                page != PhysicalView.NONE;
                page = view.nextPage(page + 4096)) {
            view.page(page, root);
            for (Mode mode : Mode.values()) {
                long score = shaped(mode) ? score(mode) : 0;
                if (score > 0) {
                    keep(found, new Candidate(RootPointer.of(page, mode), contexts, score));
                }
            }
            if (++seen % SHOW_EVERY == 0) {
                progress.at("search", seen * 4096, 0);
            }
        }
        found.sort(ranking());
        return found;
    }

    private static void keep(List<Candidate> found, Candidate candidate) {
        found.add(candidate);
        if (found.size() > 2 * MAX_CANDIDATES) {
            found.sort(ranking());
            found.subList(MAX_CANDIDATES, found.size()).clear();
        }
    }

    private static Comparator<Candidate> ranking() {
        return Comparator.comparingLong(Candidate::score)
                .reversed()
                .thenComparingLong(candidate -> candidate.root().value());
    }

    /** Whether every root entry obeys the reserved bits; cheap, since most pages fail early. */
    private boolean shaped(Mode mode) {
        boolean present = false;
        for (int i = 0; i < WORDS; i++) {
            long entry = root[i];
            if (entry == 0) {
                continue;
            }
            boolean half = mode == Mode.LEGACY && (i & 1) != 0;
            boolean sound =
                    (entry & Structures.PRESENT) != 0
                            && (entry & Structures.ROOT_RESERVED) == 0
                            && view.holds(entry & Structures.ADDRESS, 4096);
            if (half || !sound || (entry & Structures.ADDRESS) == 0) {
                return false;
            }
            present = true;
        }
        return present;
    }

    private long score(Mode mode) {
        contexts = 0;
        long score = 0;
        for (int i = 0; i < WORDS; i++) {
            if (root[i] != 0) {
                view.page(root[i] & Structures.ADDRESS, context);
                long table = mode == Mode.LEGACY ? legacyContexts() : scalableContexts();
                if (table == 0) {
                    return 0; // a context table that is none spoils the root
                }
                score += table;
            }
        }
        return score;
    }

    private long legacyContexts() {
        long score = 0;
        int sounds = 0;
        int unsound = 0;
        for (int i = 0; i < WORDS; i += 2) {
            long low = context[i];
            long high = context[i + 1];
            if ((low & Structures.PRESENT) == 0) {
                continue;
            }
            TableUse use = TableUse.ofLegacyContext(low, high);
            boolean sound =
                    use.invalid() == null
                            && (low & Structures.LEGACY_RESERVED_LOW) == 0
                            && (high & Structures.LEGACY_RESERVED_HIGH) == 0;
            if (!sound) {
                unsound++;
                continue;
            }
            sounds++;
            long tables = tables(use);
            contexts += tables > 0 ? 1 : 0;
            score += tables;
        }
        return unsound < sounds ? score : 0;
    }

    private long scalableContexts() {
        long score = 0;
        int sounds = 0;
        int unsound = 0;
        for (int i = 0; i < WORDS; i += 4) {
            long low = context[i];
            if ((low & Structures.PRESENT) == 0) {
                continue;
            }
            boolean sound =
                    (low & Structures.SCALABLE_RESERVED_LOW) == 0
                            && (context[i + 1] & Structures.SCALABLE_RESERVED_SECOND) == 0
                            && context[i + 2] == 0
                            && context[i + 3] == 0;
            if (!sound) {
                unsound++;
                continue;
            }
            sounds++;
            long tables = requestTables(low, context[i + 1]);
            contexts += tables > 0 ? 1 : 0;
            score += tables;
        }
        return unsound < sounds ? score : 0;
    }

    /** How well the PASID entry of requests without PASID fits. */
    private long requestTables(long low, long second) {
        int pasid = Structures.requestPasid(second);
        long directoryEntry =
                (low & Structures.ADDRESS)
                        + (long) (pasid / Structures.PASIDS_A_TABLE) * Long.BYTES;
        if (pasid >= Structures.pasids(low) || !view.holds(directoryEntry, Long.BYTES)) {
            return 0;
        }
        long directory = view.load(directoryEntry);
        long at =
                (directory & Structures.ADDRESS)
                        + (long) (pasid % Structures.PASIDS_A_TABLE) * Structures.PASID_ENTRY;
        if ((directory & Structures.PRESENT) == 0
                || (directory & Structures.DIRECTORY_RESERVED) != 0
                || !view.holds(at, Structures.PASID_ENTRY)) {
            return 0;
        }
        long first = view.load(at);
        TableUse use = TableUse.ofPasid(first, view.load(at + 8), view.load(at + 16));
        return (first & Structures.PRESENT) == 0 || use.invalid() != null ? 0 : 4 + tables(use);
    }

    /** 1 for pass-through; else 4 and one for each entry of the root table that fits; 0 if none. */
    private long tables(TableUse use) {
        if (use.translation() == Translation.PASS_THROUGH) {
            return 1;
        }
        if (use.root() == 0 || !view.holds(use.root(), 4096)) {
            return 0;
        }
        PageTableFormat format = VtdTables.format(use.translation(), use.levels());
        boolean first = use.translation().isFirstStage();
        view.page(use.root(), top);
        int level = format.levels() - 1;
        long fitting = 4;
        for (long entry : top) {
            if (format.isPresent(entry)) {
                boolean leaf = format.isLeaf(entry, level) && format.hasLeaves(level);
                boolean sound =
                        (entry & EntryBits.reserved(first, level, leaf, 52)) == 0
                                && (leaf || view.holds(format.tableAddress(entry), 4096));
                if (!sound) {
                    return 0;
                }
                fitting++;
            }
        }
        return fitting;
    }
}
