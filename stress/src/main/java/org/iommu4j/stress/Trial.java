package org.iommu4j.stress;

import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongUnaryOperator;
import org.iommu4j.api.Access;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;

/**
 * What every test has: a domain, in which it maps what it needs before its threads begin, and a
 * gather for each of two threads. The arbiter ends the trial, which unmaps all and asks that
 * nothing is left (T2).
 *
 * <p>A leaf of 2 MiB or the table in its place stands at {@link #LEAF}; a second place, whose table
 * has the same upper tables, at {@link #NEXT}.
 */
abstract class Trial {

    static final long PAGE = 0x1000;
    static final long LARGE = 1L << 21;
    static final long HUGE = 1L << 30;

    /** The first I/O virtual address that trials use. */
    static final long LEAF = 5 * HUGE;

    /** The place beside it. */
    static final long NEXT = LEAF + LARGE;

    /** What {@link #LEAF} is mapped to, and as far behind it what is behind. */
    static final long OUTPUT = 64 * HUGE;

    /** What other mappings begin at, so that nobody takes the one for the other. */
    static final long OTHER_OUTPUT = 128 * HUGE;

    /* As long as a split takes, about. */
    private static final int LOOKS = 32;

    private final Domains domains;
    final StressedDomain domain;
    final Gathers gathers;
    final UnitWalk unit;

    Trial(Domains domains) {
        this.domains = domains;
        this.domain = domains.take();
        this.gathers = domain.gathers();
        this.unit = new UnitWalk(domain);
    }

    /** What an address is mapped to, unless a test says otherwise. */
    static long outputOf(long iova) {
        return iova - LEAF + OUTPUT;
    }

    /** The first address of one of the 512 pages that begin at {@link #LEAF}. */
    static long page(int number) {
        return LEAF + number * PAGE;
    }

    /** Maps as {@link #outputOf} says, before the threads begin. */
    static void map(StressedDomain domain, long iova, long size) {
        domain.map(iova, outputOf(iova), size, Access.READ_WRITE);
    }

    /** Maps the leaf and makes a table of 512 pages of it, before the threads begin. */
    static void mapAsPages(StressedDomain domain) {
        map(domain, LEAF, LARGE);
        domain.split(LEAF, LARGE, PAGE, domain.gathers().first());
        domain.sync(domain.gathers().first());
    }

    /**
     * What an address translates to, in a word: {@code mapped} if to what it should, else {@code
     * none} or the output address that is wrong.
     */
    final String translated(long iova) {
        return word(iova, domain.translate(iova));
    }

    /**
     * What somebody sees who looks at an address again and again: one word for each change, such as
     * {@code mapped none}.
     */
    static String watched(long iova, LongUnaryOperator translation) {
        long last = translation.applyAsLong(iova);
        String words = word(iova, last);
        for (int i = 1; i < LOOKS; i++) {
            long output = translation.applyAsLong(iova);
            if (output != last) {
                words += ' ' + word(iova, output);
                last = output;
            }
        }
        return words;
    }

    private static String word(long iova, long output) {
        if (output == outputOf(iova)) {
            return "mapped";
        }
        return output == IommuDomain.NOT_MAPPED ? "none" : "0x" + Long.toHexString(output);
    }

    /**
     * Has the unit write to an address after a while that is different each time, so that it meets
     * the other thread at every moment; says where the write went, in a word.
     */
    final String writtenLater(long iova) {
        for (int i = ThreadLocalRandom.current().nextInt(LOOKS); i > 0; i--) {
            unit.translate(iova);
        }
        return word(iova, unit.write(iova));
    }

    /** Whether an invalidation of this gather covers all of {@link #LEAF}. */
    static boolean coversLeaf(IotlbGather gather) {
        for (int i = 0; i < gather.rangeCount(); i++) {
            if (gather.rangeStart(i) <= LEAF && LEAF + LARGE <= gather.rangeEnd(i)) {
                return gather.structureChanged();
            }
        }
        return false;
    }

    /** How many pages of a leaf of 2 MiB are mapped as they should be; -1 if one is otherwise. */
    final int pagesOfLeaf() {
        long[] bytes = {0};
        domain.mappings(
                LEAF,
                LARGE,
                (iova, output, size, access) -> {
                    bytes[0] += output == outputOf(iova) ? size : -HUGE;
                    return true;
                });
        return bytes[0] < 0 ? -1 : (int) (bytes[0] / PAGE);
    }

    /** Both threads are done: whatever is mapped goes, and nothing may be left of it. */
    final void end() {
        domain.sync(gathers.first());
        domain.sync(gathers.second());
        domain.unmap(LEAF, HUGE, gathers.first());
        domain.engine().trim(gathers.first());
        domain.sync(gathers.first());
        if (!domain.isAsNew()) {
            throw new IllegalStateException(
                    "T2 broken: "
                            + domain.engine().tablePages()
                            + " table pages are left where nothing is mapped, and "
                            + domain.allocator().free()
                            + " are free");
        }
        domains.giveBack(domain);
    }
}
