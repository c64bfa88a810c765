package com.example.riscv.unit;

/**
 * The page tables of one address space, as a device context names them.
 *
 * @param stage {@link #FIRST} or {@link #SECOND}
 * @param space the PSCID or the GSCID
 * @param levels how many, 3 to 5
 * @param root the physical address of the root
 */
record Tables(int stage, int space, int levels, long root) {

    static final int FIRST = 1;
    static final int SECOND = 2;

    private static final int PAGE_SHIFT = 12;
    private static final int INDEX_BITS = 9;
    private static final int WIDER_ROOT_BITS = 2;

    static int shift(int level) {
        return PAGE_SHIFT + INDEX_BITS * level;
    }

    /**
     * Says whether an address can be translated: it repeats its highest bit upwards (first stage),
     * or has no bit above its width (second stage).
     */
    boolean covers(long iova) {
        int width = shift(levels);
        return stage == FIRST
                ? iova >> width - 1 == 0 || iova >> width - 1 == -1
                : iova >>> width + WIDER_ROOT_BITS == 0;
    }

    /** How many bytes into its table the entry of an address is. */
    long offset(long iova, int level) {
        boolean wide = stage == SECOND && level == levels - 1;
        long mask = (1L << INDEX_BITS + (wide ? WIDER_ROOT_BITS : 0)) - 1;
        return (iova >>> shift(level) & mask) * Long.BYTES;
    }
}
