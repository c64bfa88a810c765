package org.iommu4j.pagetable;

/**
 * How many pages an operation needs: zeroed ones for tables it fills in part, others for tables it
 * writes wholly.
 */
final class PageNeed {

    private long zeroed;
    private long any;

    void reset() {
        zeroed = 0;
        any = 0;
    }

    void addZeroed(long pages) {
        zeroed += pages;
    }

    void addAny(long pages) {
        any += pages;
    }

    long zeroed() {
        return zeroed;
    }

    long any() {
        return any;
    }
}
