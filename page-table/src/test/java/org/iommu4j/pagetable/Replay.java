package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.MappingConflictException;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.PartialUnmapException;
import org.iommu4j.walker.PageTableFormat;

/**
 * Plays operations on a domain and on the model of it, and compares all that can be seen from
 * outside.
 */
final class Replay {

    private static final int LISTING_EVERY = 64;
    private static final int STATISTICS_EVERY = 4096;

    private final TestDomain domain;
    private final ReferenceModel model;
    private final DomainOptions options;
    private final IotlbGather[] gathers = new IotlbGather[RandomTraffic.GATHERS];
    private int played;

    Replay(PageTableFormat format, DomainOptions options) {
        this.options = options;
        this.domain = TestDomain.on(format).options(options).open();
        this.model = new ReferenceModel(format, options);
        domain.stopRecording();
        for (int i = 0; i < gathers.length; i++) {
            gathers[i] = domain.gather();
        }
    }

    ReferenceModel model() {
        return model;
    }

    /**
     * Plays one operation and compares; throws an {@link AssertionError} where domain and model
     * differ.
     */
    void play(Operation operation) {
        switch (operation.kind()) {
            case MAP, MAP_AND_WAIT, TRY_MAP -> map(operation);
            case UNMAP, UNMAP_AND_WAIT -> unmap(operation);
            case CUT -> cut(operation);
            case SPLIT -> split(operation);
            case COALESCE -> coalesce(operation);
            case SYNC -> sync(operation.gather());
            case TRIM -> domain.trim();
        }
        compareAround(operation);
        if (++played % LISTING_EVERY == 0) {
            compareListing(operation);
        }
        if (played % STATISTICS_EVERY == 0) {
            compareStatistics();
        }
    }

    /**
     * Compares what must be exact when nothing is in progress, closes, and finds every page
     * returned.
     */
    void end() {
        compareStatistics();
        domain.closeAndCheck();
    }

    private void map(Operation op) {
        Optional<Mapping> inTheWay = model.firstIn(op.iova(), op.size());
        boolean expected = model.map(op.iova(), op.output(), op.size(), op.access());
        Optional<Mapping> conflict = Optional.empty();
        boolean mapped = true;
        try {
            switch (op.kind()) {
                case TRY_MAP ->
                        mapped =
                                domain.tryMap(
                                        op.iova(), op.output(), op.size(), op.access(), gather(op));
                case MAP -> domain.map(op.iova(), op.output(), op.size(), op.access(), gather(op));
                default -> domain.map(op.iova(), op.output(), op.size(), op.access());
            }
        } catch (MappingConflictException e) {
            mapped = false;
            conflict = Optional.of(e.existing());
        }
        require(mapped == expected, "mapped", mapped, expected);
        if (!expected && op.kind() != Operation.Kind.TRY_MAP) {
            require(conflict.equals(inTheWay), "in the way", conflict, inTheWay);
        }
    }

    private void unmap(Operation op) {
        long iova = op.iova();
        long size = op.size();
        boolean rejects =
                options.partialUnmap() == PartialUnmap.REJECT && model.coversInPart(iova, size);
        Optional<Mapping> first = model.firstIn(iova, size);
        Optional<Mapping> last = model.leafAt(iova + size - 1);
        long expected =
                rejects
                        ? -1
                        : options.partialUnmap() == PartialUnmap.WIDEN
                                ? model.unmapWidening(iova, size)
                                : model.unmapSplitting(iova, size);
        long unmapped;
        try {
            unmapped =
                    op.kind() == Operation.Kind.UNMAP
                            ? domain.unmap(iova, size, gather(op))
                            : domain.unmap(iova, size);
        } catch (PartialUnmapException e) {
            unmapped = -1;
            require(
                    model.isPartial(e.leaf(), iova, size),
                    "the leaf covered in part",
                    e.leaf(),
                    "another one");
            require(
                    model.leafAt(e.leaf().iova()).equals(Optional.of(e.leaf())),
                    "leaf",
                    e.leaf(),
                    "another one");
        }
        require(unmapped == expected, "unmapped", unmapped, expected);
        if (!rejects && op.kind() == Operation.Kind.UNMAP) {
            first.ifPresent(leaf -> requireGathered(op, leaf));
            last.ifPresent(leaf -> requireGathered(op, leaf));
        }
    }

    /**
     * G2: the whole old leaf is there to be invalidated; G3: as a structural change if it was
     * split.
     */
    private void requireGathered(Operation op, Mapping leaf) {
        IotlbGather gather = gather(op);
        boolean split =
                options.partialUnmap() == PartialUnmap.SPLIT
                        && model.isPartial(leaf, op.iova(), op.size());
        require(
                !split || gather.structureChanged(),
                "structure changed by the split of " + leaf,
                false,
                true);
        for (int i = 0; i < gather.rangeCount(); i++) {
            if (gather.rangeStart(i) <= leaf.iova()
                    && leaf.iova() + leaf.size() <= gather.rangeEnd(i)) {
                return;
            }
        }
        throw new AssertionError(gather + " does not cover the old leaf " + leaf);
    }

    private void cut(Operation op) {
        model.cut(op.iova(), op.size());
        domain.cut(op.iova(), op.size(), gather(op));
    }

    private void split(Operation op) {
        model.split(op.iova(), op.size(), op.pageSize());
        domain.split(op.iova(), op.size(), op.pageSize(), gather(op));
    }

    private void coalesce(Operation op) {
        long expected = model.coalesce(op.iova(), op.size());
        long merged = domain.coalesce(op.iova(), op.size(), gather(op));
        require(merged == expected, "merged", merged, expected);
    }

    private void sync(int gather) {
        domain.sync(gathers[gather]).await();
        require(gathers[gather].isEmpty(), "empty after sync", gathers[gather], "an empty gather");
    }

    private IotlbGather gather(Operation op) {
        return gathers[op.gather()];
    }

    private void compareAround(Operation op) {
        long end = op.iova() + op.size();
        compareAt(op.iova());
        compareAt(op.iova() + op.size() / 2 + 0x123);
        compareAt(end - 1);
        if (op.iova() > 0) {
            compareAt(op.iova() - 1);
        }
        if (end < model.limit()) {
            compareAt(end);
        }
        long probe = played % 2 == 0 ? op.iova() : end - 1;
        Optional<Mapping> leaf = domain.mappingAt(probe);
        require(
                leaf.equals(model.leafAt(probe)),
                "leaf at 0x" + Long.toHexString(probe),
                leaf,
                model.leafAt(probe));
    }

    private void compareAt(long iova) {
        long seen = domain.translate(iova);
        long expected = model.translate(iova);
        if (seen != expected) {
            throw new AssertionError(
                    String.format("0x%x translates to 0x%x, expected 0x%x", iova, seen, expected));
        }
    }

    private void compareListing(Operation op) {
        List<Mapping> seen = new ArrayList<>();
        List<Mapping> expected = new ArrayList<>();
        int most = 700;
        domain.mappings(
                op.iova(),
                op.size(),
                (iova, output, size, access) -> {
                    seen.add(new Mapping(iova, output, size, access));
                    return seen.size() < most;
                });
        model.mappings(
                op.iova(),
                op.size(),
                (iova, output, size, access) -> {
                    expected.add(new Mapping(iova, output, size, access));
                    return expected.size() < most;
                });
        assertThat(seen).isEqualTo(expected);
    }

    private void compareStatistics() {
        for (int i = 0; i < gathers.length; i++) {
            sync(i);
        }
        domain.allocator().noMistakes();
        if (options.emptyTables() > 0) {
            long damped = (long) options.emptyTables() * (domain.format().levels() - 1);
            assertThat(domain.statistics().tablePages())
                    .as("table pages within the damping")
                    .isBetween(model.leastTables(), model.leastTables() + damped);
            domain.trim();
        }
        DomainStatistics statistics = domain.statistics();
        Map<Long, Long> leaves = new TreeMap<>(statistics.leaves());
        leaves.values().removeIf(count -> count == 0);
        assertThat(leaves).as("leaves").isEqualTo(model.leaves());
        assertThat(statistics.tablePages()).as("table pages").isEqualTo(model.leastTables());
        assertThat(domain.allocator().taken())
                .as("pages out")
                .isEqualTo(Math.toIntExact(model.leastTables()));
        assertThat(statistics.splits()).as("splits").isEqualTo(model.splits());
        assertThat(statistics.coalesces() * domain.format().entries())
                .as("coalesces")
                .isEqualTo(model.merged());
    }

    private static void require(boolean equal, String what, Object seen, Object expected) {
        if (!equal) {
            throw new AssertionError(what + ": " + seen + ", expected " + expected);
        }
    }
}
