package org.iommu4j.inspector;

/**
 * Neighbouring leaves that translate as one: contiguous on both sides, and of the same rights.
 *
 * @param iova first I/O virtual address
 * @param outputAddress what it translates to
 * @param size bytes
 * @param rights what is allowed: 1 read, 2 write
 * @param leaves how many leaves they are
 */
public record Run(long iova, long outputAddress, long size, int rights, long leaves) {

    private static final String[] RIGHTS = {"no access", "read-only", "write-only", "read-write"};

    /** {@return the rights in words} */
    public String rightsInWords() {
        return RIGHTS[rights & 3];
    }
}
