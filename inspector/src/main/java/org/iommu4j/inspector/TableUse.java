package org.iommu4j.inspector;

import org.jspecify.annotations.Nullable;

/**
 * What a context or PASID entry says about translation, or why it says nothing.
 *
 * @param translation how requests are translated
 * @param levels levels of the tables; 0 for pass-through
 * @param root their root; 0 for pass-through
 * @param domainId the domain id
 * @param invalid what is not legal in the entry, in words; null if all is
 */
record TableUse(
        Translation translation, int levels, long root, int domainId, @Nullable String invalid) {

    private static final long ADDRESS = -4096L;
    private static final int MAX_AW = 3;

    /** Reads a legacy context entry (VT-d, Context Entry). */
    static TableUse ofLegacyContext(long low, long high) {
        int type = (int) (low >>> 2 & 3);
        int width = (int) (high & 7);
        int domainId = (int) (high >>> 8 & 0xffff);
        if (type == 2) {
            return new TableUse(Translation.PASS_THROUGH, 0, 0, domainId, null);
        }
        return new TableUse(
                Translation.SECOND_STAGE,
                width + 2,
                low & ADDRESS,
                domainId,
                type == 3 ? "translation type 3; 0 to 2 are legal" : wrongWidth(width));
    }

    /** Reads a PASID entry's first three words (VT-d, Scalable-Mode PASID Table Entry). */
    static TableUse ofPasid(long first, long second, long third) {
        int type = (int) (first >>> 6 & 7);
        int width = (int) (first >>> 2 & 7);
        int domainId = (int) (second & 0xffff);
        long secondRoot = first & ADDRESS;
        return switch (type) {
            case 1 -> {
                int mode = (int) (third >>> 2 & 3);
                yield new TableUse(
                        Translation.FIRST_STAGE,
                        mode + 4,
                        third & ADDRESS,
                        domainId,
                        mode > 1
                                ? "first-stage paging mode " + mode + "; 0 and 1 are legal"
                                : null);
            }
            case 2, 3 ->
                    new TableUse(
                            type == 2 ? Translation.SECOND_STAGE : Translation.NESTED,
                            width + 2,
                            secondRoot,
                            domainId,
                            wrongWidth(width));
            case 4 -> new TableUse(Translation.PASS_THROUGH, 0, 0, domainId, null);
            default ->
                    new TableUse(
                            Translation.PASS_THROUGH,
                            0,
                            0,
                            domainId,
                            "translation type (PGTT) " + type + "; 1 to 4 are legal");
        };
    }

    private static @Nullable String wrongWidth(int width) {
        return width >= 1 && width <= MAX_AW
                ? null
                : "address width (AW) " + width + "; 1 (39 bits) to 3 (57 bits) are legal";
    }
}
