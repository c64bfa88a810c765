package org.iommu4j.benchmarks;

/** How widely the traffic of a driver is spread. */
public enum Window {
    /** 64 MiB, which is 32 tables. */
    OF_64M(64L << 20),
    /** 4 GiB, which is 2048 tables: most hold one page or none at a time. */
    OF_4G(4L << 30);

    private final long bytes;

    Window(long bytes) {
        this.bytes = bytes;
    }

    long bytes() {
        return bytes;
    }
}
