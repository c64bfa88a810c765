package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;

/**
 * A processor's cache that a walker does not snoop: the walker sees a line as it was when it was
 * last written back and fenced, or, if the cache is a restless one, a dirty line at any time by
 * itself. What was never written back is garbage.
 */
final class WriteBackCache implements MemoryObserver {

    /** Which dirty lines leave the cache by themselves. */
    enum Leaving {
        /** None: each stays until it is written back and that is fenced. */
        NONE,
        /** Any, now and then. */
        ANY,
        /** Those of the tables that can be reached, at once: links arrive before what they link. */
        LINKS
    }

    private static final int LINE = 64;
    private static final int LINE_WORDS = LINE / Long.BYTES;
    private static final int WORDS = PhysicalMemory.PAGE_SIZE / Long.BYTES;

    private final PhysicalMemory memory;
    private final PhysicalMemory walkers;
    private final SplittableRandom restless;
    private final Leaving leaving;
    private final Runnable afterEach;
    private final Set<Long> garbagePages = new LinkedHashSet<>();
    private final Map<Long, long[]> onTheWay = new HashMap<>();
    private final List<Long> dirty = new ArrayList<>();
    private Set<Long> reachable = Set.of();

    /**
     * Makes the cache in front of memory that holds nothing but garbage for the walker.
     *
     * @param memory the memory, unobserved
     * @param leaving which dirty lines leave by themselves
     * @param afterEach runs before every access, when the one before it has taken effect
     */
    WriteBackCache(PhysicalMemory memory, Leaving leaving, Runnable afterEach) {
        this.memory = memory;
        this.walkers = PhysicalMemory.allocate(memory.size());
        this.restless = new SplittableRandom(11);
        this.leaving = leaving;
        this.afterEach = afterEach;
    }

    /** Says which pages are tables that the walker can reach. */
    void reachable(Set<Long> tables) {
        reachable = tables;
    }

    /** Reads a word as the walker does. */
    long load(long address) {
        touch(address);
        return walkers.loadPlain(address);
    }

    @Override
    public void beforeStore(long address, long value) {
        step();
        dirty.add(address & -LINE);
    }

    @Override
    public void beforeExchange(long address, long expected, long value) {
        beforeStore(address, value);
    }

    @Override
    public void beforeWriteBack(long address, long bytes) {
        step();
        for (long line = address & -LINE; line < address + bytes; line += LINE) {
            onTheWay.put(line, words(line));
        }
    }

    @Override
    public void beforeFence() {
        onTheWay.forEach(this::arrive);
        onTheWay.clear();
        step();
    }

    /** Has dirty lines leave that do, then looks. */
    private void step() {
        if (leaving == Leaving.LINKS) {
            dirty.stream()
                    .filter(line -> reachable.contains(line & -PhysicalMemory.PAGE_SIZE))
                    .forEach(line -> arrive(line, words(line)));
            dirty.clear();
        } else if (leaving == Leaving.ANY && !dirty.isEmpty() && restless.nextInt(4) == 0) {
            long line = dirty.remove(restless.nextInt(dirty.size()));
            arrive(line, words(line));
        }
        afterEach.run();
    }

    private long[] words(long line) {
        long[] words = new long[LINE_WORDS];
        for (int i = 0; i < LINE_WORDS; i++) {
            words[i] = memory.loadAcquire(line + (long) i * Long.BYTES);
        }
        return words;
    }

    private void arrive(long line, long[] words) {
        touch(line);
        for (int i = 0; i < LINE_WORDS; i++) {
            walkers.storePlain(line + (long) i * Long.BYTES, words[i]);
        }
    }

    private void touch(long address) {
        long page = address & -PhysicalMemory.PAGE_SIZE;
        if (garbagePages.add(page)) {
            for (int i = 0; i < WORDS; i++) {
                long word =
                        TestAllocator.garbage(
                                memory.size(), (int) (page >>> PhysicalMemory.PAGE_SHIFT), i + 1);
                walkers.storePlain(page + (long) i * Long.BYTES, word);
            }
        }
    }
}
