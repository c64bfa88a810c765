package org.iommu4j.pagetable;

import java.util.SplittableRandom;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;

/*
 * Three places, in each of which the neighbours' pages alternate, so that they share tables at every level, fill and empty
 * them, and split the same leaves:
 * - slices of 64 KiB in blocks of 2 MiB;
 * - blocks of 2 MiB in a GiB;
 * - single pages in leaves of 2 MiB that are there when a round begins, and that everybody takes apart.
 * What translates is a thread's own affair everywhere; cuts, splits and trims, which change no translation, it does where it
 * likes.
 */

/** A thread that shares tables with others, and knows exactly what becomes of its own pages. */
final class Neighbour {

    private static final long PAGE = 1L << 12;
    private static final long SLICE = 1L << 16;
    private static final long BLOCK = 1L << 21;
    private static final long GIB = 1L << 30;
    private static final int SLICED_BLOCKS = 4;
    private static final int BLOCKS = 8;
    private static final int SHARED_BLOCKS = 3;
    private static final long SHARED = 2 * GIB;
    private static final long FAR = 1L << 40;

    private final TestDomain domain;
    private final int number;
    private final int all;
    private final SplittableRandom random;
    private final IotlbGather gather;
    private final ReferenceModel model;

    Neighbour(TestDomain domain, int number, int all, long seed) {
        this.domain = domain;
        this.number = number;
        this.all = all;
        this.random = new SplittableRandom(seed);
        this.gather = domain.gather();
        this.model = new ReferenceModel(domain.format(), DomainOptions.defaults());
    }

    /** Before a round: the leaves that all share are mapped, by one of them. */
    void begin(int round) {
        long output = SHARED + FAR * (1 + round % 7);
        if (round % all == number) {
            domain.map(SHARED, output, SHARED_BLOCKS * BLOCK, Access.READ_WRITE);
        }
        model.map(SHARED, output, SHARED_BLOCKS * BLOCK, Access.READ_WRITE);
    }

    void play(int calls) {
        for (int i = 0; i < calls; i++) {
            switch (random.nextInt(4)) {
                case 0 -> callIn(slice(), SLICE);
                case 1 -> callIn(block(), BLOCK);
                case 2 -> callIn(page(), PAGE);
                default -> callAnywhere();
            }
        }
    }

    /** After a round: unmaps all of its own. */
    void leave() {
        for (int i = number; i < SLICED_BLOCKS * (BLOCK / SLICE); i += all) {
            unmap(i * SLICE, SLICE);
        }
        for (int i = number; i < BLOCKS; i += all) {
            unmap(GIB + i * BLOCK, BLOCK);
        }
        for (int i = number; i < SHARED_BLOCKS * (BLOCK / PAGE); i += all) {
            unmap(SHARED + i * PAGE, PAGE);
        }
        model.unmapSplitting(SHARED, SHARED_BLOCKS * BLOCK);
    }

    void sync() {
        domain.sync(gather).await();
    }

    private long own(long start, long size, long count) {
        return start + (number + all * random.nextLong((count - number + all - 1) / all)) * size;
    }

    private long slice() {
        return own(0, SLICE, SLICED_BLOCKS * (BLOCK / SLICE));
    }

    private long block() {
        return own(GIB, BLOCK, BLOCKS);
    }

    private long page() {
        return own(SHARED, PAGE, SHARED_BLOCKS * (BLOCK / PAGE));
    }

    /** A call in a range of its own. */
    private void callIn(long start, long size) {
        long pages = size / PAGE;
        long from = random.nextInt(3) == 0 ? 0 : random.nextLong(pages);
        long count = random.nextInt(3) == 0 ? pages - from : 1 + random.nextLong(pages - from);
        long iova = start + from * PAGE;
        switch (random.nextInt(6)) {
            case 0, 1 -> map(iova, count * PAGE);
            case 2, 3 -> unmap(iova, count * PAGE);
            case 4 -> requireSame(iova + random.nextLong(count * PAGE));
            default -> list(iova, Math.min(count, 32) * PAGE);
        }
        requireSame(iova);
    }

    private void map(long iova, long size) {
        long output = iova + FAR * (1 + random.nextInt(7));
        boolean expected = model.map(iova, output, size, Access.READ_WRITE);
        if (domain.tryMap(iova, output, size, Access.READ_WRITE, gather) != expected) {
            throw wrong("tryMap", iova, size, "is not " + expected);
        }
    }

    private void unmap(long iova, long size) {
        long expected = model.unmapSplitting(iova, size);
        long bytes = domain.unmap(iova, size, gather);
        if (bytes != expected) {
            throw wrong(
                    "unmap",
                    iova,
                    size,
                    "is 0x" + Long.toHexString(bytes) + ", not 0x" + Long.toHexString(expected));
        }
    }

    private void requireSame(long iova) {
        long output = domain.translate(iova);
        if (output != model.translate(iova)) {
            throw wrong(
                    "translate",
                    iova,
                    1,
                    "is 0x"
                            + Long.toHexString(output)
                            + ", not 0x"
                            + Long.toHexString(model.translate(iova)));
        }
    }

    /** Leaves may be cut smaller by others at any time; what they map may not. */
    private void list(long iova, long size) {
        long[] at = {iova};
        domain.mappings(
                iova,
                size,
                (start, output, bytes, access) -> {
                    requireNothing(iova, size, at[0], start);
                    for (long page = Math.max(start, at[0]);
                            page < Math.min(start + bytes, iova + size);
                            page += PAGE) {
                        if (model.translate(page) != output + page - start) {
                            throw wrong(
                                    "mappings",
                                    iova,
                                    size,
                                    "has 0x" + Long.toHexString(page) + " wrong");
                        }
                    }
                    at[0] = Math.max(at[0], start + bytes);
                    return true;
                });
        requireNothing(iova, size, at[0], iova + size);
    }

    private void requireNothing(long iova, long size, long from, long to) {
        for (long page = from; page < to; page += PAGE) {
            if (model.translate(page) != -1) {
                throw wrong("mappings", iova, size, "leaves 0x" + Long.toHexString(page) + " out");
            }
        }
    }

    /** A call that changes no translation, wherever it is. */
    private void callAnywhere() {
        long iova =
                switch (random.nextInt(3)) {
                    case 0 -> random.nextLong(SLICED_BLOCKS * BLOCK) & -PAGE;
                    case 1 -> GIB + (random.nextLong(BLOCKS * BLOCK) & -PAGE);
                    default -> SHARED + (random.nextLong(SHARED_BLOCKS * BLOCK) & -PAGE);
                };
        int kind = random.nextInt(100);
        if (kind < 40) {
            domain.cut(iova, PAGE * (1 + random.nextInt(600)), gather);
        } else if (kind < 50) {
            domain.split(iova, PAGE * (1 + random.nextInt(600)), PAGE, gather);
        } else if (kind < 55) {
            domain.trim();
        } else {
            sync();
        }
    }

    private AssertionError wrong(String call, long iova, long size, String what) {
        return new AssertionError(
                "neighbour "
                        + number
                        + ": "
                        + call
                        + " of [0x"
                        + Long.toHexString(iova)
                        + ", 0x"
                        + Long.toHexString(iova + size)
                        + ") "
                        + what);
    }
}
