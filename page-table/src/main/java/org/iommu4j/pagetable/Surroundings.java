package org.iommu4j.pagetable;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.TableStep;

/**
 * What stands at an address and around it, for people: read without a guard, a bounded number of
 * entries. A cursor of one thread.
 *
 * <p>Like {@link LeafReader} it may meet a page that was freed and reused under it, and walks again
 * then; unlike it, it does not insist. Tables that were changed from outside are shown as they are.
 */
final class Surroundings {

    private static final int MOST_TRIES = 8;
    private static final int MOST_LOOKS = 2048;

    private final Tables tables;
    private final List<TableStep> steps = new ArrayList<>();
    private long entry;
    private int level;

    Surroundings(Tables tables) {
        this.tables = tables;
    }

    /**
     * Every entry that hardware reads on its way to an address.
     *
     * @throws IllegalStateException if the tables are closed
     */
    List<TableStep> walk(long iova) {
        for (int i = 0; i < MOST_TRIES; i++) {
            long epoch = tables.epochs.at(iova);
            steps.clear();
            boolean ignored = arrive(iova, true);
            if (isUnchanged(iova, epoch)) {
                break;
            }
        }
        return List.copyOf(steps);
    }

    /**
     * The leaf that maps an address.
     *
     * @throws IllegalStateException if the tables are closed
     */
    Optional<Mapping> at(long iova) {
        return find(iova) && tables.isPresent(entry)
                ? Optional.of(mapping(iova))
                : Optional.empty();
    }

    /**
     * The nearest leaf below the one at an address, or below the hole there.
     *
     * @throws IllegalStateException if the tables are closed
     */
    Optional<Mapping> below(long iova) {
        boolean arrived = find(iova);
        long start = start(iova);
        for (int i = 0; arrived && i < MOST_LOOKS && start > 0; i++) {
            long before = start - 1;
            arrived = find(before);
            if (arrived && tables.isPresent(entry)) {
                return Optional.of(mapping(before));
            }
            start = start(before);
        }
        return Optional.empty();
    }

    /**
     * The nearest leaf above the one at an address, or above the hole there.
     *
     * @param last the last address of the domain
     * @throws IllegalStateException if the tables are closed
     */
    Optional<Mapping> above(long iova, long last) {
        boolean arrived = find(iova);
        long next = start(iova) + tables.span(level);
        for (int i = 0; arrived && i < MOST_LOOKS && next > 0 && next <= last; i++) {
            arrived = find(next);
            if (arrived && tables.isPresent(entry)) {
                return Optional.of(mapping(next));
            }
            next = start(next) + tables.span(level);
        }
        return Optional.empty();
    }

    private long start(long iova) {
        return iova & -tables.span(level);
    }

    private Mapping mapping(long iova) {
        return new Mapping(
                start(iova),
                tables.format.outputAddress(entry, level),
                tables.span(level),
                tables.format.access(entry, level));
    }

    /** Moves to the entry that decides an address; false if a pointer leads out of the memory. */
    private boolean find(long iova) {
        boolean arrived = false;
        for (int i = 0; i < MOST_TRIES; i++) {
            long epoch = tables.epochs.at(iova);
            arrived = arrive(iova, false);
            if (isUnchanged(iova, epoch)) {
                break;
            }
        }
        return arrived;
    }

    private boolean arrive(long iova, boolean notes) {
        long table = tables.root;
        for (level = tables.rootLevel; ; level--) {
            long slot = tables.slot(table, iova, level);
            entry = tables.memory.loadPlain(slot);
            if (notes) {
                steps.add(new TableStep(level, slot, entry, words()));
            }
            if (!tables.isTable(entry, level)) {
                return true;
            }
            table = tables.target(entry);
            if (!tables.memory.containsPage(table)) {
                return false;
            }
        }
    }

    private String words() {
        if (!tables.isPresent(entry)) {
            return "not present";
        }
        if (tables.isTable(entry, level)) {
            long table = tables.target(entry);
            return "table at 0x"
                    + Long.toHexString(table)
                    + (tables.memory.containsPage(table) ? "" : ", outside of the memory");
        }
        return "leaf of 0x"
                + Long.toHexString(tables.span(level))
                + " bytes at 0x"
                + Long.toHexString(tables.format.outputAddress(entry, level))
                + ", "
                + tables.format.access(entry, level)
                + ((entry & tables.format.accessedMask()) != 0 ? ", accessed" : "")
                + ((entry & tables.format.dirtyMask()) != 0 ? ", dirty" : "");
    }

    private boolean isUnchanged(long iova, long epoch) {
        VarHandle.loadLoadFence();
        if (tables.isClosed()) {
            throw Tables.closedException();
        }
        return tables.epochs.at(iova) == epoch;
    }
}
