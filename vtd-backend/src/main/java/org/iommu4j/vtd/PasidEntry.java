package org.iommu4j.vtd;

/** What a PASID entry says of a domain (VT-d, Scalable-Mode PASID Table Entry). */
final class PasidEntry {

    /** The size of an entry, in words of 8 bytes. */
    static final int WORDS = 8;

    /** In the first word: the unit keeps accessed and dirty bits in second-stage tables (SSADE). */
    static final long DIRTY_BITS = 1 << 9;

    private static final long PRESENT = 1;
    private static final int ADDRESS_WIDTH_SHIFT = 2;
    private static final long FIRST_STAGE = 1 << 6;
    private static final long SECOND_STAGE = 2 << 6;
    private static final long PASS_THROUGH = 4 << 6;
    private static final long SNOOPED_WALKS = 1 << 23;
    private static final int MEMORY_TYPES_SHIFT = 32;
    private static final long FIVE_LEVELS = 1 << 2;
    private static final int MORE_LEVELS = 5;

    private PasidEntry() {}

    /**
     * Makes an entry that sends requests through a domain.
     *
     * @param unit what the unit that reads it can do
     * @param domain a domain that fits it
     * @return the words, the one that makes it present first
     */
    static long[] of(UnitCapabilities unit, VtdDomain domain) {
        long[] words = new long[WORDS];
        words[1] = domain.id().value();
        switch (domain.stage()) {
            case FIRST -> {
                words[0] = FIRST_STAGE;
                words[1] |= snooped(unit) | memoryTypes(unit);
                words[2] = domain.root() | (domain.levels() == MORE_LEVELS ? FIVE_LEVELS : 0);
            }
            case SECOND -> {
                int width = UnitCapabilities.addressWidthCode(domain.levels());
                words[0] =
                        domain.root()
                                | SECOND_STAGE
                                | width << ADDRESS_WIDTH_SHIFT
                                | (domain.dirtyBits().isOn() ? DIRTY_BITS : 0);
                words[1] |= snooped(unit);
            }
            case PASS_THROUGH ->
                    words[0] = PASS_THROUGH | unit.widestAddressCode() << ADDRESS_WIDTH_SHIFT;
        }
        words[0] |= PRESENT;
        return words;
    }

    private static long snooped(UnitCapabilities unit) {
        return unit.walksCoherently() ? SNOOPED_WALKS : 0;
    }

    private static long memoryTypes(UnitCapabilities unit) {
        return unit.hasMemoryTypes() ? VtdFormats.MEMORY_TYPES << MEMORY_TYPES_SHIFT : 0;
    }
}
