package org.iommu4j.api;

import java.util.ArrayList;
import java.util.List;

/**
 * What devices may do to mapped memory, and how: a value over one {@code int}, made once and
 * shared.
 *
 * <p>An access is a wish; a page-table format says whether it can express it, and a mapping with
 * one it cannot express is refused with the name of the missing {@link Feature}. Immutable.
 */
public final class Access {

    private static final int READ_BIT = 1;
    private static final int WRITE_BIT = 1 << 1;
    private static final int EXECUTE_DISABLE_BIT = 1 << 2;
    private static final int SNOOP_BIT = 1 << 3;
    private static final int TYPE_SHIFT = 4;
    private static final int TYPE_MASK = 7 << TYPE_SHIFT;
    private static final int SOFTWARE_SHIFT = 8;

    /** The number of different values of {@link #index()}. */
    public static final int INDEXES = 1 << (SOFTWARE_SHIFT - 1);

    /** The largest value of {@link #software()}. */
    public static final int MAX_SOFTWARE = 0xff;

    /** Devices may read. */
    public static final Access READ = new Access(READ_BIT);

    /** Devices may write and not read. */
    public static final Access WRITE = new Access(WRITE_BIT);

    /** Devices may read and write. */
    public static final Access READ_WRITE = new Access(READ_BIT | WRITE_BIT);

    private static final MemoryType[] TYPES = MemoryType.values();

    private final int bits;

    private Access(int bits) {
        this.bits = bits;
    }

    /**
     * Makes the access of a given index and software bits: the reverse of {@link #index()} and
     * {@link #software()}, for formats.
     *
     * @param index as of {@link #index()}
     * @param software as of {@link #software()}
     * @return the access
     * @throws IllegalArgumentException if one is out of its range, or the index names no memory
     *     type
     */
    public static Access of(int index, int software) {
        if ((index & ~(INDEXES - 1)) != 0 || (index & TYPE_MASK) >>> TYPE_SHIFT >= TYPES.length) {
            throw new IllegalArgumentException(
                    "no access has index 0x" + Integer.toHexString(index));
        }
        return new Access(index).withSoftware(software);
    }

    /** {@return true if devices may read} */
    public boolean readable() {
        return (bits & READ_BIT) != 0;
    }

    /** {@return true if devices may write} */
    public boolean writable() {
        return (bits & WRITE_BIT) != 0;
    }

    /** {@return true if instruction fetches are forbidden} */
    public boolean executeDisabled() {
        return (bits & EXECUTE_DISABLE_BIT) != 0;
    }

    /** {@return true if snooping is forced} */
    public boolean snooped() {
        return (bits & SNOOP_BIT) != 0;
    }

    /** {@return the memory type} */
    public MemoryType memoryType() {
        return TYPES[(bits & TYPE_MASK) >>> TYPE_SHIFT];
    }

    /** {@return the bits that mean something only to software, 0 to 255} */
    public int software() {
        return bits >>> SOFTWARE_SHIFT;
    }

    /**
     * {@return everything but the software bits as an index below {@link #INDEXES}, for a format's
     * precomputed tables}
     */
    public int index() {
        return bits & (INDEXES - 1);
    }

    /** {@return the same, with instruction fetches forbidden} */
    public Access withExecuteDisabled() {
        return new Access(bits | EXECUTE_DISABLE_BIT);
    }

    /** {@return the same, with snooping forced} */
    public Access withSnoop() {
        return new Access(bits | SNOOP_BIT);
    }

    /**
     * Sets the memory type.
     *
     * @param type the memory type
     * @return the same, with this memory type
     */
    public Access withMemoryType(MemoryType type) {
        return new Access(bits & ~TYPE_MASK | type.ordinal() << TYPE_SHIFT);
    }

    /**
     * Sets the software bits.
     *
     * @param software 0 to 255
     * @return the same, with these software bits
     * @throws IllegalArgumentException if they are out of range
     */
    public Access withSoftware(int software) {
        if (software < 0 || software > MAX_SOFTWARE) {
            throw new IllegalArgumentException(
                    "software bits 0x" + Integer.toHexString(software) + "; 0 to 0xff are legal");
        }
        return new Access(bits & (INDEXES - 1) | software << SOFTWARE_SHIFT);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Access that && bits == that.bits;
    }

    @Override
    public int hashCode() {
        return bits;
    }

    @Override
    public String toString() {
        List<String> words = new ArrayList<>();
        words.add(
                readable()
                        ? writable() ? "read-write" : "read-only"
                        : writable() ? "write-only" : "no access");
        if (executeDisabled()) {
            words.add("execute-disable");
        }
        if (snooped()) {
            words.add("snoop");
        }
        if (memoryType() != MemoryType.DEFAULT) {
            words.add(memoryType().toString());
        }
        if (software() != 0) {
            words.add("software 0x" + Integer.toHexString(software()));
        }
        return String.join(", ", words);
    }
}
