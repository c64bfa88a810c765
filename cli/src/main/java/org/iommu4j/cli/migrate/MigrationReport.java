package org.iommu4j.cli.migrate;

import java.util.List;

/**
 * What was seen of one migration.
 *
 * @param granularity the page size, in bytes, at which writes were told apart
 * @param copied bytes copied in each round: all of the memory, then what was dirty, at last with
 *     the devices stopped
 * @param seconds how long devices wrote while memory was copied
 * @param stoppedMillis how long they were stopped for the last round
 * @param writes DMAs that they did meanwhile
 * @param faults those that were blocked; none must be
 * @param differingPages pages of the copy that differ from the source; none must
 * @param wrongData how often devices read back something else than they had written last
 * @param violations what the machine's sanitizer found
 * @param sanitized whether there was a sanitizer
 * @param tables the pages that are tables
 * @param firstWrong the first of what was wrong, and of what the sanitizer found, in words
 */
public record MigrationReport(
        long granularity,
        List<Long> copied,
        double seconds,
        double stoppedMillis,
        long writes,
        long faults,
        long differingPages,
        long wrongData,
        long violations,
        boolean sanitized,
        TablePages tables,
        List<String> firstWrong) {

    /**
     * Pages that are tables.
     *
     * @param before before writes were tracked
     * @param peak at the worst moment
     * @param after when the tracking had ended
     */
    public record TablePages(long before, long peak, long after) {}

    /** Copies the lists. */
    public MigrationReport {
        copied = List.copyOf(copied);
        firstWrong = List.copyOf(firstWrong);
    }

    /** {@return how often memory was copied} */
    public int rounds() {
        return copied.size();
    }

    /** {@return bytes copied in all rounds} */
    public long bytesCopied() {
        return copied.stream().mapToLong(Long::longValue).sum();
    }

    /** {@return bytes copied while the devices were stopped} */
    public long lastBytes() {
        return copied.getLast();
    }

    /** {@return whether the copy has every byte of the source} */
    public boolean copyEqual() {
        return differingPages == 0;
    }

    /** {@return whether there are no more tables than before} */
    public boolean healed() {
        return tables.after() <= tables.before();
    }

    /** {@return whether the promises were kept} */
    public boolean isClean() {
        return copyEqual() && faults == 0 && wrongData == 0 && violations == 0 && healed();
    }
}
