package org.iommu4j.conformance;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/** What every table allocator keeps. */
public final class TableAllocatorContracts {

    private static final int PAGES = 512;
    private static final int THREADS = 4;
    private static final long SEED = 20261123;

    /** The ways to take pages. */
    private enum Way {
        RESERVE,
        ZEROED,
        FOR_SPLIT;

        boolean take(TableAllocator allocator, int count, PageList list) {
            return switch (this) {
                case RESERVE -> allocator.reserve(count, list);
                case ZEROED -> allocator.reserveZeroed(count, list);
                case FOR_SPLIT -> allocator.reserveForSplit(count, list);
            };
        }
    }

    private static final List<Contract<TableAllocatorProvider>> ALL =
            List.of(
                    new Contract<>(
                            "T2",
                            "no page is lent twice, and each is a whole page of the memory, not the"
                                    + " one at address 0",
                            TableAllocatorContracts::pagesAreLentOnce),
                    new Contract<>(
                            "M1",
                            "zeroed pages are zero, whatever was in them before",
                            TableAllocatorContracts::zeroedPagesAreZero),
                    new Contract<>(
                            "S6",
                            "a reservation is all or nothing",
                            TableAllocatorContracts::reservationsAreAllOrNothing),
                    new Contract<>(
                            "M4",
                            "an exhausted allocator refuses, and lends again what comes back",
                            TableAllocatorContracts::exhaustionEnds),
                    new Contract<>(
                            "L1",
                            "every page that is given back can be lent again; what is free is exact",
                            TableAllocatorContracts::everyPageComesBack),
                    new Contract<>(
                            "L1",
                            "trim loses no page, and leaves no zeroed page dirty",
                            TableAllocatorContracts::trimLosesNothing),
                    new Contract<>(
                            "T2",
                            "threads are lent different pages, and none is lost between them",
                            TableAllocatorContracts::threadsShareNoPage));

    private TableAllocatorContracts() {}

    /** {@return the contracts} */
    public static List<Contract<TableAllocatorProvider>> all() {
        return ALL;
    }

    private static void pagesAreLentOnce(TableAllocatorProvider provider, Evidence evidence) {
        PhysicalMemory memory = memory();
        for (PhysicalMemory part :
                List.of(memory, memory.part(PAGES / 2 * 4096L, PAGES / 2 * 4096L))) {
            TableAllocator allocator = provider.create(part);
            Set<Long> lent = new HashSet<>();
            PageList list = new PageList();
            for (Way way : Way.values()) {
                evidence.require(
                        way.take(allocator, 8, list), () -> "no 8 pages of " + part.size() / 4096);
            }
            while (takeOne(allocator, list)) {
                evidence.require(
                        list.size() <= 2 * PAGES, () -> "more pages were lent than there are");
            }
            for (int i = 0; i < list.size(); i++) {
                long page = list.get(i);
                String hex = "page 0x" + Long.toHexString(page);
                evidence.require(
                        page != 0 && page % 4096 == 0 && part.containsPage(page),
                        () -> hex + " is no page that may be lent");
                evidence.require(lent.add(page), () -> hex + " was lent twice");
            }
            evidence.note(lent.size() + " pages lent of " + part.size() / 4096);
        }
    }

    private static boolean takeOne(TableAllocator allocator, PageList list) {
        long page = allocator.take();
        if (page >= 0) {
            list.add(page);
        }
        return page >= 0;
    }

    private static void zeroedPagesAreZero(TableAllocatorProvider provider, Evidence evidence) {
        PhysicalMemory memory = memory();
        TableAllocator allocator = provider.create(memory);
        int most = (int) allocator.free();
        PageList list = new PageList();
        for (int round = 0; round < 3; round++) {
            evidence.require(allocator.reserve(most, list), () -> "free() pages are not to be had");
            dirty(memory, list);
            while (round == 1 && !list.isEmpty()) {
                allocator.give(list.removeLast());
            }
            allocator.giveBack(list);
            requireZero(memory, allocator.take(), evidence, "take");
            evidence.require(
                    allocator.reserveZeroed(most - 1, list), () -> "free() is not what is free");
            for (int i = 0; i < list.size(); i++) {
                requireZero(memory, list.get(i), evidence, "reserveZeroed");
            }
            /* The next round has an allocator of a memory that somebody has used before. */
            dirty(memory, list);
            list.clear();
            allocator = provider.create(memory);
        }
    }

    private static void reservationsAreAllOrNothing(
            TableAllocatorProvider provider, Evidence evidence) {
        for (Way way : Way.values()) {
            TableAllocator allocator = provider.create(memory());
            int free = (int) allocator.free();
            int tooMany = way == Way.FOR_SPLIT ? PAGES + 1 : free + 1;
            PageList list = new PageList();
            list.add(-4096);
            evidence.require(
                    !way.take(allocator, tooMany, list), () -> way + " got more than there is");
            evidence.require(
                    list.size() == 1 && list.get(0) == -4096,
                    () -> way + " was refused, and left " + (list.size() - 1) + " pages behind");
            evidence.require(
                    allocator.free() == free,
                    () -> way + " was refused; free was " + free + ", is " + allocator.free());
            evidence.require(
                    way.take(allocator, free, list) && list.size() == free + 1,
                    () -> way + " cannot have what is free");
        }
        forSplitIsAllOrNothing(provider.create(memory()), evidence);
    }

    private static void forSplitIsAllOrNothing(TableAllocator allocator, Evidence evidence) {
        PageList list = new PageList();
        int taken = 0;
        while (allocator.reserveForSplit(7, list)) {
            taken += 7;
        }
        int size = list.size();
        int expected = taken;
        evidence.require(
                size == expected, () -> size + " pages in the list, " + expected + " were lent");
    }

    private static void exhaustionEnds(TableAllocatorProvider provider, Evidence evidence) {
        TableAllocator allocator = provider.create(memory());
        PageList list = new PageList();
        while (allocator.reserveForSplit(1, list) || takeOne(allocator, list)) {
            evidence.require(list.size() <= PAGES, () -> "more pages were lent than there are");
        }
        int lent = list.size();
        evidence.require(
                allocator.take() == -1 && allocator.free() == 0,
                () -> "nothing is to be had, yet free() is " + allocator.free());
        allocator.give(list.removeLast());
        evidence.require(
                allocator.reserveForSplit(1, list),
                () -> "a page came back, and is not lent again");
        allocator.giveBack(list);
        while (allocator.reserveForSplit(1, list) || takeOne(allocator, list)) {
            evidence.require(list.size() <= lent, () -> "more pages came back than were lent");
        }
        evidence.require(
                list.size() == lent, () -> lent + " pages came back, " + list.size() + " are lent");
    }

    private static void everyPageComesBack(TableAllocatorProvider provider, Evidence evidence) {
        evidence.note("seed " + SEED);
        TableAllocator allocator = provider.create(memory());
        long free = allocator.free();
        evidence.require(
                free > 0 && free <= allocator.capacity(),
                () -> "free() is " + free + " of " + allocator.capacity());
        Random random = new Random(SEED);
        PageList list = new PageList();
        for (int round = 0; round < 500; round++) {
            Way way = Way.values()[random.nextInt(2)];
            int count = random.nextInt(20);
            boolean done = way.take(allocator, count, list);
            long expected = free - list.size();
            evidence.require(
                    allocator.free() == expected && (done || count > expected),
                    () -> "free() is " + allocator.free() + ", not " + expected);
            for (int i = random.nextInt(20); i > 0 && !list.isEmpty(); i--) {
                allocator.give(list.removeLast());
            }
        }
        allocator.giveBack(list);
        evidence.require(list.isEmpty(), () -> "giveBack left the list full");
        evidence.require(
                allocator.free() == free,
                () -> "everything came back; free was " + free + ", is " + allocator.free());
    }

    private static void trimLosesNothing(TableAllocatorProvider provider, Evidence evidence) {
        PhysicalMemory memory = memory();
        TableAllocator allocator = provider.create(memory);
        long free = allocator.free();
        PageList list = new PageList();
        evidence.require(allocator.reserve((int) free, list), () -> "free() is not what is free");
        dirty(memory, list);
        long kept = list.removeLast();
        allocator.giveBack(list);
        long trimmed = allocator.trim();
        evidence.note(trimmed + " of " + (free - 1) + " pages trimmed");
        evidence.require(
                memory.loadPlain(kept) == -1, () -> "a page that is lent changed under trim");
        evidence.require(
                allocator.free() == free - 1,
                () -> "trim changed what is free to " + allocator.free());
        evidence.require(allocator.reserveZeroed((int) free - 1, list), () -> "trim lost pages");
        for (int i = 0; i < list.size(); i++) {
            requireZero(memory, list.get(i), evidence, "reserveZeroed after trim");
        }
    }

    private static void threadsShareNoPage(TableAllocatorProvider provider, Evidence evidence)
            throws InterruptedException {
        PhysicalMemory memory = memory();
        TableAllocator allocator = provider.create(memory);
        long free = allocator.free();
        List<String> failures = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 1; t <= THREADS; t++) {
            long mark = t;
            threads.add(
                    Thread.ofPlatform()
                            .daemon()
                            .uncaughtExceptionHandler((thread, e) -> note(failures, e.toString()))
                            .start(() -> lendMany(allocator, memory, mark, failures)));
        }
        for (Thread thread : threads) {
            thread.join(TimeUnit.SECONDS.toMillis(60));
            evidence.require(!thread.isAlive(), () -> "a thread had not come back after 60 s");
        }
        synchronized (failures) {
            failures.forEach(evidence::broken);
        }
        evidence.require(
                allocator.free() == free,
                () -> "everything came back; free was " + free + ", is " + allocator.free());
    }

    private static void lendMany(
            TableAllocator allocator, PhysicalMemory memory, long mark, List<String> failures) {
        PageList list = new PageList();
        for (int round = 0; round < 2000; round++) {
            if (allocator.reserve(1 + round % 9, list)) {
                for (int i = 0; i < list.size(); i++) {
                    memory.storePlain(list.get(i), mark);
                }
                for (int i = 0; i < list.size(); i++) {
                    if (memory.loadPlain(list.get(i)) != mark) {
                        note(
                                failures,
                                "page 0x"
                                        + Long.toHexString(list.get(i))
                                        + " was lent to two threads");
                    }
                }
                allocator.giveBack(list);
            }
        }
    }

    private static void note(List<String> failures, String failure) {
        synchronized (failures) {
            failures.add(failure);
        }
    }

    private static void dirty(PhysicalMemory memory, PageList list) {
        for (int i = 0; i < list.size(); i++) {
            memory.fill(list.get(i), -1, 0, PhysicalMemory.PAGE_SIZE / Long.BYTES);
        }
    }

    private static void requireZero(
            PhysicalMemory memory, long page, Evidence evidence, String way) {
        for (long at = page; at < page + PhysicalMemory.PAGE_SIZE; at += Long.BYTES) {
            long word = memory.loadPlain(at);
            long where = at;
            evidence.require(
                    word == 0,
                    () ->
                            way
                                    + " lent a page with 0x"
                                    + Long.toHexString(word)
                                    + " at 0x"
                                    + Long.toHexString(where));
        }
    }

    private static PhysicalMemory memory() {
        return PhysicalMemory.allocate(PAGES * (long) PhysicalMemory.PAGE_SIZE);
    }
}
