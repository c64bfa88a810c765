package org.iommu4j.cli.migrate;

/**
 * Says when it is time to stop the devices: when little is dirty, or when what is dirty has stopped
 * shrinking. For one thread; one an object a migration.
 */
final class Convergence {
    /** Little is a part of the memory that is copied in no time. */
    private static final int LITTLE = 1024;

    /** To shrink is to lose a part of this size. */
    private static final int SHRINKS_BY = 16;

    private static final int PATIENCE = 3;

    private final int pages;
    private int least;
    private int roundsWithout;

    /**
     * Begins with everything dirty.
     *
     * @param pages how many pages there are
     */
    Convergence(int pages) {
        this.pages = pages;
        least = pages;
    }

    /**
     * Says whether one more round with the devices running would be of no use.
     *
     * @param dirty how many pages the last round found dirty
     */
    boolean isReachedWith(int dirty) {
        if (dirty < least - least / SHRINKS_BY) {
            least = dirty;
            roundsWithout = 0;
        } else {
            roundsWithout++;
        }
        return dirty <= pages / LITTLE || roundsWithout == PATIENCE;
    }
}
