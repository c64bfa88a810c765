package org.iommu4j.conformance.backend;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.iommu4j.api.Access;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.Mapping;
import org.iommu4j.conformance.Evidence;
import org.jspecify.annotations.Nullable;

/**
 * What a range of a domain should translate to, page by page, held against what the domain says
 * and, where its tables can be read, what a unit would find. Used by one thread.
 */
final class Expectation {

    private final NotedDomain domain;
    private final Evidence evidence;
    private final @Nullable UnitTables tables;
    private final long base;
    private final long page;
    private final long[] outputs;
    private final @Nullable Access[] accesses;

    /**
     * Nothing is mapped.
     *
     * @param trial the trial
     * @param domain the domain
     * @param tables its tables, or null if they cannot be read
     * @param base the first address
     * @param size bytes
     */
    Expectation(
            Trial trial, NotedDomain domain, @Nullable UnitTables tables, long base, long size) {
        this.domain = domain;
        this.evidence = trial.evidence;
        this.tables = tables;
        this.base = base;
        this.page = trial.page();
        this.outputs = new long[Math.toIntExact(size / page)];
        this.accesses = new Access[outputs.length];
        Arrays.fill(outputs, IommuDomain.NOT_MAPPED);
    }

    long size() {
        return outputs.length * page;
    }

    /** Something was mapped. */
    void mapped(long iova, long output, long size, Access access) {
        for (int i = index(iova); i < index(iova) + size / page; i++) {
            outputs[i] = output + (i - index(iova)) * page;
            accesses[i] = access;
        }
    }

    /** Something was unmapped; returns how many bytes of it had been mapped. */
    long unmapped(long iova, long size) {
        long bytes = 0;
        for (int i = index(iova); i < index(iova) + size / page; i++) {
            bytes += isMapped(i) ? page : 0;
            outputs[i] = IommuDomain.NOT_MAPPED;
            accesses[i] = null;
        }
        return bytes;
    }

    boolean anyMapped(long iova, long size) {
        for (int i = index(iova); i < index(iova) + size / page; i++) {
            if (isMapped(i)) {
                return true;
            }
        }
        return false;
    }

    private boolean isMapped(int index) {
        return outputs[index] != IommuDomain.NOT_MAPPED;
    }

    private int index(long iova) {
        return Math.toIntExact((iova - base) / page);
    }

    /** Asks that every page of the range is as it should be. */
    void check(String when) {
        check(base, size(), when);
    }

    /** Asks that the pages of a part of the range are as they should be. */
    void check(long iova, long size, String when) {
        for (int i = index(iova); i < index(iova) + size / page; i++) {
            long at = base + i * page;
            checkPage(at, outputs[i], accesses[i], when);
        }
        checkLeaves(iova, size, when);
    }

    private void checkPage(long iova, long output, @Nullable Access access, String when) {
        long said = domain.translate(iova + 8);
        if (said != (access == null ? output : output + 8)) {
            throw evidence.broken(
                    wrong(iova, output, access, when) + "; translate says " + text(said - 8));
        }
        Optional<Mapping> leaf = domain.itself().mappingAt(iova);
        if (!leaf.map(Mapping::access).equals(Optional.ofNullable(access))) {
            throw evidence.broken(
                    wrong(iova, output, access, when)
                            + "; mappingAt says "
                            + leaf.map(Mapping::toString).orElse("nothing"));
        }
        if (tables == null) {
            return;
        }
        UnitTables.Walk walk = tables.walk(iova);
        if (walk.output() != output || (access != null && !walk.access().equals(access))) {
            throw evidence.broken(wrong(iova, output, access, when) + "; in the tables " + walk);
        }
    }

    /** The leaves must map what is mapped, each page once, in ascending order. */
    private void checkLeaves(long iova, long size, String when) {
        List<Mapping> leaves = domain.leaves(iova, size);
        long at = iova;
        for (Mapping leaf : leaves) {
            long from = Math.max(leaf.iova(), iova);
            long to = Math.min(leaf.iova() + leaf.size(), iova + size);
            if (from < at) {
                throw evidence.broken(when + ", mappings tells " + leaf + " out of order");
            }
            requireNone(at, from, leaf, when);
            for (long each = from; each < to; each += page) {
                if (outputs[index(each)] != leaf.outputAddress() + (each - leaf.iova())) {
                    throw evidence.broken(
                            wrong(each, outputs[index(each)], accesses[index(each)], when)
                                    + "; mappings tells "
                                    + leaf);
                }
            }
            at = to;
        }
        requireNone(at, iova + size, null, when);
    }

    private void requireNone(long from, long to, @Nullable Mapping next, String when) {
        for (long at = from; at < to; at += page) {
            if (isMapped(index(at))) {
                throw evidence.broken(
                        wrong(at, outputs[index(at)], accesses[index(at)], when)
                                + "; mappings does not tell it, and goes on with "
                                + (next == null ? "nothing" : next));
            }
        }
    }

    private static String wrong(long iova, long output, @Nullable Access access, String when) {
        return when
                + ", "
                + Hex.of(iova)
                + " should "
                + (access == null
                        ? "not be mapped"
                        : "translate to " + Hex.of(output) + " (" + access + ")");
    }

    private static String text(long output) {
        return output == IommuDomain.NOT_MAPPED - 8 ? "it is not mapped" : Hex.of(output);
    }
}
