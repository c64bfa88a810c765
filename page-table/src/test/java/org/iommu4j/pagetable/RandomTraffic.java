package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.iommu4j.api.Access;
import org.iommu4j.api.MemoryType;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.pagetable.Operation.Kind;
import org.iommu4j.walker.PageTableFormat;

/**
 * Legal operations by a seed: at both ends and in the middle of a domain, crowded so that they
 * meet, of all page sizes, with ranges that straddle, fall short and exceed.
 */
final class RandomTraffic {

    /** How many gathers the operations use. */
    static final int GATHERS = 3;

    private static final int MOST_LEVELS = 3;
    private static final int LARGEST_UNITS = 4;

    private final PageTableFormat format;
    private final SplittableRandom random;
    private final int largest;
    private final long[] sizes;
    private final long limit;
    private final long[] bases;
    private final List<Access> accesses;

    RandomTraffic(PageTableFormat format, ReferenceModel model, long seed) {
        this.format = format;
        this.random = new SplittableRandom(seed);
        this.largest = Math.min(MOST_LEVELS, format.levels()) - 1;
        this.sizes = model.sizes();
        this.limit = model.limit();
        long window = Math.min(limit, (long) LARGEST_UNITS << format.shift(largest));
        this.bases =
                new long[] {
                    0, limit - window, (limit - window) / 2 & -(1L << format.shift(largest))
                };
        this.accesses = expressible(format);
    }

    /** Every access that a format can express, with a few software bits. */
    static List<Access> expressible(PageTableFormat format) {
        List<Access> all = new ArrayList<>();
        for (int index = 0; index < MemoryType.values().length << 4; index++) {
            Access access = Access.of(index, 0);
            for (int software : new int[] {0, 0x55, 0x83, 2}) {
                if (isExpressible(format, access.withSoftware(software))) {
                    all.add(access.withSoftware(software));
                }
            }
        }
        return all;
    }

    private static boolean isExpressible(PageTableFormat format, Access access) {
        try {
            return format.leafBits(access, 0) != 0;
        } catch (UnsupportedFeatureException e) {
            return false;
        }
    }

    /** The next operation. */
    Operation next() {
        Kind kind = kind(random.nextInt(100));
        int level = level(random.nextInt(100));
        long iova = place(level);
        long size = size(level, iova);
        return new Operation(
                kind,
                iova,
                size,
                output(iova),
                accesses.get(random.nextInt(accesses.size())),
                sizes[random.nextInt(sizes.length)],
                random.nextInt(GATHERS));
    }

    private static Kind kind(int percent) {
        if (percent < 30) {
            return Kind.MAP;
        } else if (percent < 36) {
            return Kind.MAP_AND_WAIT;
        } else if (percent < 46) {
            return Kind.TRY_MAP;
        } else if (percent < 75) {
            return Kind.UNMAP;
        } else if (percent < 81) {
            return Kind.UNMAP_AND_WAIT;
        } else if (percent < 86) {
            return Kind.CUT;
        } else if (percent < 88) {
            return Kind.SPLIT;
        } else if (percent < 91) {
            return Kind.COALESCE;
        }
        return percent < 99 ? Kind.SYNC : Kind.TRIM;
    }

    private int level(int percent) {
        return Math.min(largest, percent < 65 ? 0 : percent < 92 ? 1 : 2);
    }

    private long place(int level) {
        long iova = bases[random.nextInt(bases.length)];
        iova += (long) random.nextInt(LARGEST_UNITS) << format.shift(largest);
        for (int below = largest - 1; below >= level; below--) {
            iova += index() << format.shift(below);
        }
        return iova % limit;
    }

    /** An index into a table, mostly near its ends and its middle, so that operations meet. */
    private long index() {
        int entries = format.entries();
        return switch (random.nextInt(8)) {
            case 0, 1 -> 0;
            case 2 -> 1;
            case 3 -> entries - 1;
            case 4 -> entries - 2;
            case 5, 6 -> entries / 2;
            default -> random.nextInt(entries);
        };
    }

    private long size(int level, long iova) {
        int shift = format.shift(level);
        long units =
                random.nextInt(24) == 0
                        ? random.nextInt(1, format.entries() * 5 / 4)
                        : random.nextInt(1, 4);
        if (level == largest) {
            units = Math.min(units, 2);
        }
        long size = units << shift;
        if (random.nextInt(6) == 0) {
            size +=
                    (random.nextInt(5) - 2L)
                            << format.shift(Math.max(0, level - 1 - random.nextInt(2)));
        }
        return Math.clamp(size, 1L << format.shift(0), limit - iova);
    }

    /** An output address that allows leaves of some size: the largest, mostly. */
    private long output(long iova) {
        int[] likely = {2, 2, 2, 2, 2, 2, 1, 1, 0};
        int shift = format.shift(Math.min(largest, likely[random.nextInt(likely.length)]));
        long low = iova & ((1L << shift) - 1);
        return ((random.nextLong() & (1L << 44) - 1) >>> shift << shift) + low;
    }
}
