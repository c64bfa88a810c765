package org.iommu4j.walker;

import java.util.Arrays;
import java.util.EnumSet;
import org.iommu4j.api.Access;
import org.iommu4j.api.Feature;
import org.iommu4j.api.MemoryType;
import org.jspecify.annotations.Nullable;

/**
 * What each access looks like in a leaf, worked out once: a table for leaves of 4 KiB and one for
 * larger ones.
 */
final class LeafEncoding {

    /**
     * Stands in a table where an access cannot be expressed. No leaf has it, since every leaf is
     * present.
     */
    static final long REFUSED = 0;

    private static final int EXECUTE_DISABLE =
            Access.WRITE.withExecuteDisabled().index() ^ Access.WRITE.index();
    private static final int SNOOP = Access.WRITE.withSnoop().index() ^ Access.WRITE.index();
    private static final int TYPE_SHIFT =
            Integer.numberOfTrailingZeros(
                    Access.WRITE.withMemoryType(MemoryType.UNCACHEABLE).index()
                            ^ Access.WRITE.index());
    private static final int[] TYPED = indexesOfTypes();

    private final long[] small = new long[Access.INDEXES];
    private final long[] large = new long[Access.INDEXES];
    private final long constantBits;
    private final long readBit;
    private final long writeBit;
    private final boolean writeOnly;
    private final long executeDisableBit;
    private final long executableBit;
    private final long snoopBit;
    private final long[] smallTypes;
    private final long[] largeTypes;
    private final boolean typesStay;
    private final long smallTypeMask;
    private final long largeTypeMask;

    LeafEncoding(PageTableFormatBuilder format) {
        this.constantBits = format.leafBits;
        this.readBit = format.readBit;
        this.writeBit = format.writeBit;
        this.writeOnly = format.writeOnly;
        this.executeDisableBit = format.executeDisableBit;
        this.executableBit = format.executableBit;
        this.snoopBit = format.snoopBit;
        this.smallTypes = format.smallTypes.clone();
        this.largeTypes = format.largeTypes.clone();
        this.typesStay = Arrays.equals(smallTypes, largeTypes);
        this.smallTypeMask = PageTableFormatBuilder.types(smallTypes);
        this.largeTypeMask = PageTableFormatBuilder.types(largeTypes);
        for (int index = 0; index < Access.INDEXES; index++) {
            if (refusal(index) == null) {
                Access access = Access.of(index, 0);
                small[index] = permissions(access) | smallTypes[access.memoryType().ordinal()];
                large[index] = permissions(access) | largeTypes[access.memoryType().ordinal()];
            }
        }
    }

    long bits(int index, int level) {
        return level == 0 ? small[index] : large[index];
    }

    int index(long entry, int level) {
        boolean readable = readBit == 0 || (entry & readBit) != 0;
        return (readable ? Access.READ.index() : 0)
                | (isWritable(entry) ? Access.WRITE.index() : 0)
                | (forbidsFetches(entry) ? EXECUTE_DISABLE : 0)
                | ((entry & snoopBit) != 0 ? SNOOP : 0)
                | TYPED[type(entry, level)];
    }

    boolean isWritable(long entry) {
        return (entry & writeBit) != 0;
    }

    private boolean forbidsFetches(long entry) {
        return (entry & executeDisableBit) != 0 || (entry & executableBit) != executableBit;
    }

    /** Re-encodes what stands at another place in a leaf of 4 KiB than in a large one. */
    long moveDown(long entry, int level) {
        if (level != 1 || typesStay) {
            return entry;
        }
        return entry & ~largeTypeMask | smallTypes[type(entry, level)];
    }

    /** The reverse: re-encodes what a leaf of a level has elsewhere than the leaf one level up. */
    long moveUp(long entry, int level) {
        if (level != 0 || typesStay) {
            return entry;
        }
        return entry & ~smallTypeMask | largeTypes[type(entry, level)];
    }

    private int type(long entry, int level) {
        long[] types = level == 0 ? smallTypes : largeTypes;
        long bits = entry & (level == 0 ? smallTypeMask : largeTypeMask);
        for (int ordinal = 1; ordinal < types.length; ordinal++) {
            if (types[ordinal] == bits) {
                return ordinal;
            }
        }
        return MemoryType.DEFAULT.ordinal();
    }

    /** Says whether every leaf that can be expressed has one of some bits. */
    boolean allHave(long anyOfSmall, long anyOfLarge) {
        for (int index = 0; index < Access.INDEXES; index++) {
            boolean has = (small[index] & anyOfSmall) != 0 && (large[index] & anyOfLarge) != 0;
            if (refusal(index) == null && !has) {
                return false;
            }
        }
        return true;
    }

    EnumSet<Feature> features() {
        EnumSet<Feature> features = EnumSet.of(Feature.READ_ONLY);
        if (writeOnly) {
            features.add(Feature.WRITE_ONLY);
        }
        if (tellsFetches()) {
            features.add(Feature.EXECUTE_DISABLE);
        }
        if (snoopBit != 0) {
            features.add(Feature.SNOOP_CONTROL);
        }
        if (smallTypeMask != 0) {
            features.add(Feature.MEMORY_TYPES);
        }
        return features;
    }

    /** The feature that an access wants and the format lacks, or null if it can be expressed. */
    @Nullable Feature refusal(int index) {
        int type = index >>> TYPE_SHIFT;
        if (type >= MemoryType.values().length
                || (type != 0 && smallTypes[type] == PageTableFormatBuilder.NO_TYPE)) {
            return Feature.MEMORY_TYPES;
        }
        Access access = Access.of(index, 0);
        if (!access.readable()) {
            if (!access.writable()) {
                return Feature.NO_ACCESS;
            }
            if (!writeOnly) {
                return Feature.WRITE_ONLY;
            }
        }
        if (access.executeDisabled() && !tellsFetches()) {
            return Feature.EXECUTE_DISABLE;
        }
        return access.snooped() && snoopBit == 0 ? Feature.SNOOP_CONTROL : null;
    }

    private boolean tellsFetches() {
        return (executeDisableBit | executableBit) != 0;
    }

    private long permissions(Access access) {
        return constantBits
                | (access.readable() ? readBit : 0)
                | (access.writable() ? writeBit : 0)
                | (access.executeDisabled() ? executeDisableBit : executableBit)
                | (access.snooped() ? snoopBit : 0);
    }

    private static int[] indexesOfTypes() {
        int[] indexes = new int[MemoryType.values().length];
        for (MemoryType type : MemoryType.values()) {
            indexes[type.ordinal()] =
                    Access.WRITE.withMemoryType(type).index() ^ Access.WRITE.index();
        }
        return indexes;
    }
}
