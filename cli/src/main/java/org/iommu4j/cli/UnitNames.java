package org.iommu4j.cli;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The names of the remapping units a trace mentions, {@code dmar0} and the like. Linux numbers
 * domains unit by unit, so a domain's name is a unit and a domain id; both fit a {@code long} once
 * the unit has a number.
 */
final class UnitNames {
    /**
     * Far more than machines have; a trace that names more is garbage, and names no domain from
     * then on.
     */
    private static final int LIMIT = 1024;

    private static final int LONGEST = 64;

    private final List<byte[]> names = new ArrayList<>();
    private final byte[] read = new byte[LONGEST];

    /**
     * Reads the unit's name at the cursor and moves behind it; returns its number, or -1 if there
     * is none.
     */
    int read(LineCursor cursor) {
        int length = cursor.word(read);
        if (length == 0 || length == LONGEST) {
            return -1;
        }
        for (int unit = 0; unit < names.size(); unit++) {
            if (Arrays.equals(names.get(unit), 0, names.get(unit).length, read, 0, length)) {
                return unit;
            }
        }
        if (names.size() == LIMIT) {
            return -1;
        }
        names.add(Arrays.copyOf(read, length));
        return names.size() - 1;
    }

    /** The domain with this id of this unit. */
    static long domain(int unit, int id) {
        return (long) unit << 16 | id;
    }

    /** How a domain is called in a report: {@code dmar0 did 3}. */
    String domainName(long domain) {
        byte[] unit = names.get((int) (domain >>> 16));
        return new String(unit, StandardCharsets.ISO_8859_1).replaceAll("[^!-~]", ".")
                + " did "
                + (domain & 0xffff);
    }
}
