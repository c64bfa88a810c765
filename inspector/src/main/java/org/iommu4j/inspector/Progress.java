package org.iommu4j.inspector;

/** Hears how far long work has come. */
@FunctionalInterface
public interface Progress {

    /** Hears nothing. */
    Progress NONE = (task, done, total) -> {};

    /**
     * Called now and then by the thread that works.
     *
     * @param task what is being done, as in {@code decompress}
     * @param done bytes done so far
     * @param total bytes there are; 0 if that is not known
     */
    void at(String task, long done, long total);
}
