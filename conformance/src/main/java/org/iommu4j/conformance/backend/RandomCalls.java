package org.iommu4j.conformance.backend;

import java.util.List;
import java.util.Random;
import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;

/** Calls of a domain by chance, each held against what it should do. Used by one thread. */
final class RandomCalls {

    private final Trial trial;
    private final Random random;
    private final NotedDomain domain;
    private final Expectation expected;
    private final long base;
    private final long size;
    private final long page;

    RandomCalls(Trial trial, NotedDomain domain, Expectation expected, long base, long size) {
        this.trial = trial;
        this.random = new Random(trial.random.nextLong());
        this.domain = domain;
        this.expected = expected;
        this.base = base;
        this.size = size;
        this.page = trial.page();
    }

    /** Makes one call, and looks at what it did. */
    void next() {
        long bytes = bytes();
        long at = base + random.nextLong((size - bytes) / page + 1) * page;
        at = random.nextBoolean() ? at : at & -Long.highestOneBit(bytes);
        switch (random.nextInt(5)) {
            case 0, 1 -> map(Math.max(at, base), bytes);
            case 2, 3 -> unmap(Math.max(at, base), bytes);
            default -> cut(Math.max(at, base), bytes);
        }
        expected.check(Math.max(at, base), bytes, "after that call");
    }

    /** A page, a few, or about a large leaf. */
    private long bytes() {
        List<Long> sizes = trial.sizes();
        long large = sizes.size() > 1 ? sizes.get(1) : 512 * page;
        return switch (random.nextInt(4)) {
            case 0 -> page;
            case 1 -> page * (1 + random.nextInt(16));
            case 2 -> large;
            default -> page * (1 + random.nextInt((int) (2 * large / page)));
        };
    }

    private void map(long iova, long bytes) {
        long output =
                trial.output() + (random.nextBoolean() ? iova - base : random.nextInt(9) * page);
        Access access = random.nextBoolean() ? Access.READ_WRITE : Access.READ;
        boolean free = !expected.anyMapped(iova, bytes);
        try (IotlbGather gather = domain.gather()) {
            boolean done = domain.tryMap(iova, output, bytes, access, gather);
            trial.evidence.require(
                    done == free,
                    () ->
                            "tryMap of "
                                    + Hex.range(iova, bytes)
                                    + (free ? ", where nothing is mapped" : ", a part of which is")
                                    + (done ? ", was true" : ", was false"));
        }
        if (free) {
            expected.mapped(iova, output, bytes, access);
        }
    }

    private void unmap(long iova, long bytes) {
        long was = expected.unmapped(iova, bytes);
        long said = domain.unmap(iova, bytes);
        trial.evidence.require(
                said == was,
                () ->
                        "unmap of "
                                + Hex.range(iova, bytes)
                                + " says "
                                + Hex.of(said)
                                + " bytes; "
                                + Hex.of(was)
                                + " were mapped");
    }

    private void cut(long iova, long bytes) {
        try (IotlbGather gather = domain.gather()) {
            domain.cut(iova, bytes, gather);
        }
        for (long boundary : new long[] {iova, iova + bytes}) {
            domain.itself()
                    .mappingAt(boundary)
                    .filter(leaf -> leaf.iova() != boundary)
                    .ifPresent(leaf ->
                            trial.evidence.broken(
                                    "after a cut at "
                                            + Hex.of(boundary)
                                            + ", "
                                            + leaf
                                            + " straddles it"));
        }
    }
}
