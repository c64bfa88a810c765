package org.iommu4j.api;

/**
 * One entry that hardware reads when it walks a domain's tables to an address.
 *
 * @param level the level of the table that the entry stands in; 0 holds the leaves of 4 KiB
 * @param entryAddress the entry's physical address
 * @param entry its 64 bits
 * @param meaning what they say, in words
 */
public record TableStep(int level, long entryAddress, long entry, String meaning) {

    @Override
    public String toString() {
        return "level "
                + level
                + ": 0x"
                + Long.toHexString(entry)
                + " at 0x"
                + Long.toHexString(entryAddress)
                + ", "
                + meaning;
    }
}
