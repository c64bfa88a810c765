package org.iommu4j.walker;

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
     * Stands in a table where an access cannot be expressed; no leaf has it, since a leaf is
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
    private final PageTableFormatBuilder format;
    private final long[] smallTypes;
    private final long[] largeTypes;
    private final long smallTypeMask;
    private final long largeTypeMask;

    LeafEncoding(PageTableFormatBuilder format) {
        this.format = format;
        this.smallTypes = format.smallTypes;
        this.largeTypes = format.largeTypes;
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
        boolean readable = format.readBit == 0 || (entry & format.readBit) != 0;
        Access access = readable ? Access.READ : Access.WRITE;
        return access.index()
                | ((entry & format.writeBit) != 0 ? Access.WRITE.index() : 0)
                | ((entry & format.executeDisableBit) != 0 ? EXECUTE_DISABLE : 0)
                | ((entry & format.snoopBit) != 0 ? SNOOP : 0)
                | TYPED[type(entry, level)];
    }

    /** Re-encodes what stands at another place in a leaf of 4 KiB than in a large one. */
    long moveDown(long entry, int level) {
        if (level != 1 || smallTypeMask == largeTypeMask) {
            return entry;
        }
        return entry & ~largeTypeMask | smallTypes[type(entry, level)];
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

    EnumSet<Feature> features() {
        EnumSet<Feature> features = EnumSet.of(Feature.READ_ONLY);
        if (format.writeOnly) {
            features.add(Feature.WRITE_ONLY);
        }
        if (format.executeDisableBit != 0) {
            features.add(Feature.EXECUTE_DISABLE);
        }
        if (format.snoopBit != 0) {
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
            if (!format.writeOnly) {
                return Feature.WRITE_ONLY;
            }
        }
        if (access.executeDisabled() && format.executeDisableBit == 0) {
            return Feature.EXECUTE_DISABLE;
        }
        return access.snooped() && format.snoopBit == 0 ? Feature.SNOOP_CONTROL : null;
    }

    private long permissions(Access access) {
        return format.leafBits
                | (access.readable() ? format.readBit : 0)
                | (access.writable() ? format.writeBit : 0)
                | (access.executeDisabled() ? format.executeDisableBit : 0)
                | (access.snooped() ? format.snoopBit : 0);
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
