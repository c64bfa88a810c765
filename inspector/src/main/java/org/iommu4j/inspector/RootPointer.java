package org.iommu4j.inspector;

/**
 * What the root-table address register (RTADDR) holds: where the root table is, and in TTM (11:10)
 * which mode it is of.
 *
 * @param value the register
 */
public record RootPointer(long value) {

    private static final long TABLE = -4096L;
    private static final int TTM_SHIFT = 10;
    private static final long TTM_MASK = 3;

    /**
     * Reads what a user wrote.
     *
     * @param text the register in hex, with or without {@code 0x}
     * @return the pointer
     * @throws IllegalArgumentException if it is no number, or one that the register cannot hold
     */
    public static RootPointer parse(String text) {
        String digits = text.startsWith("0x") || text.startsWith("0X") ? text.substring(2) : text;
        try {
            RootPointer pointer = new RootPointer(Long.parseUnsignedLong(digits, 16));
            pointer.mode();
            return pointer;
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "\""
                            + text
                            + "\" is no root-table address; the register's value in hex, as in"
                            + " 0x1ade000, or auto is legal",
                    e);
        }
    }

    /**
     * Makes the pointer to a table of a mode.
     *
     * @param table the root table's physical address
     * @param mode its mode
     * @return the pointer
     */
    public static RootPointer of(long table, Mode mode) {
        return new RootPointer(table | (long) mode.ordinal() << TTM_SHIFT);
    }

    /** {@return the root table's physical address} */
    public long table() {
        return value & TABLE;
    }

    /**
     * {@return the mode}
     *
     * @throws IllegalArgumentException if TTM is neither 0 nor 1
     */
    public Mode mode() {
        int ttm = (int) (value >>> TTM_SHIFT & TTM_MASK);
        if (ttm > 1) {
            throw new IllegalArgumentException(
                    "the root-table address "
                            + Hex.of(value)
                            + " has TTM (bits 11:10) "
                            + ttm
                            + "; 0 (legacy) and 1 (scalable) are legal");
        }
        return Mode.values()[ttm];
    }

    @Override
    public String toString() {
        return Hex.of(value);
    }
}
