package org.iommu4j.cli.swap;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.SequencedSet;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.cli.vm.Content;
import org.iommu4j.cli.vm.GuestMemory;
import org.iommu4j.cli.vm.PageStates;

/**
 * The host that takes 4 KiB pages of a VM away and brings them back elsewhere, while devices use
 * them.
 *
 * <p>A page is taken by the strategy under test. When that has waited for the hardware, the page's
 * content is saved and its place poisoned. Some swaps later it comes back, in a spare page, or when
 * a device asks for it. When spare pages run short, the host makes whole again the large page that
 * has been in pieces for longest: where leaves can be merged it brings its pages home one by one,
 * and merges; else it takes all of it, brings its pages home, and maps it with one leaf. So there
 * is always something to split, and what must be remembered does not grow. One thread swaps; any
 * may bring a page back.
 */
final class Swapper {
    private static final int MOST_OUT = 32;
    private static final int LEAST_OUT = 4;

    /** Few, so that most pages are taken out of a large page that is whole. */
    private static final int SPARES_A_PAGE_OUT = 4;

    /** Longer than it takes until a device comes by one of the pages that are out, as a rule. */
    private static final long UNASKED_NANOS = 10_000_000;

    private final GuestMemory guest;
    private final PageStates states;
    private final Frames frames;
    private final IommuDomain domain;
    private final SplitStrategy strategy;
    private final SwapIn swapIn;
    private final SplittableRandom random;
    private final int pagesOut;
    private final Deque<Saved> out = new ArrayDeque<>();
    private final Deque<long[]> room = new ArrayDeque<>();
    private final SequencedSet<Long> inPieces = new LinkedHashSet<>();
    private final boolean merges;
    private long swaps;
    private long madeWhole;
    private DomainStatistics worst;

    /**
     * Makes a swapper.
     *
     * @param guest the VM's memory
     * @param states told what happens to each page
     * @param frames where the pages are
     * @param domain where they are mapped
     * @param strategy how they are taken
     * @param swapIn when they come back
     * @param merges whether large pages can be made whole by merging leaves
     * @param random which are taken
     */
    Swapper(
            GuestMemory guest,
            PageStates states,
            Frames frames,
            IommuDomain domain,
            SplitStrategy strategy,
            SwapIn swapIn,
            boolean merges,
            SplittableRandom random) {
        this.guest = guest;
        this.states = states;
        this.frames = frames;
        this.domain = domain;
        this.strategy = strategy;
        this.swapIn = swapIn;
        this.merges = merges;
        this.random = random;
        worst = domain.statistics();
        pagesOut = pagesOut(guest.pages());
    }

    /** How many spare pages a working set of so many pages needs. */
    static int sparesFor(int pages) {
        return SPARES_A_PAGE_OUT * pagesOut(pages);
    }

    /** Takes a page, and sees to it that one comes back if enough are out. */
    synchronized void step() {
        takeAny();
        DomainStatistics now = domain.statistics();
        worst = now.tablePages() > worst.tablePages() ? now : worst;
        if (out.size() > pagesOut && (swapIn == SwapIn.EAGER || !isAskedFor())) {
            bringBack(out.removeFirst());
        }
        if (frames.spares() <= out.size()) {
            makeWhole(inPieces.removeFirst());
        }
    }

    /** Whether a device asks for one of the pages that are out before time is up. */
    private boolean isAskedFor() {
        int before = out.size();
        long end = System.nanoTime() + UNASKED_NANOS;
        try {
            for (long left = UNASKED_NANOS;
                    out.size() == before && left > 0;
                    left = end - System.nanoTime()) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return out.size() < before;
    }

    /** Brings a page back that a device asks for, if it is out. */
    synchronized void comeBack(int page) {
        for (Iterator<Saved> all = out.iterator(); all.hasNext(); ) {
            Saved saved = all.next();
            if (saved.page == page) {
                all.remove();
                bringBack(saved);
                notifyAll();
                return;
            }
        }
    }

    /** Brings every page back. */
    synchronized void finish() {
        while (!out.isEmpty()) {
            bringBack(out.removeFirst());
        }
    }

    /** Makes every large page whole that is in pieces. */
    synchronized void heal() {
        while (!inPieces.isEmpty()) {
            makeWhole(inPieces.removeFirst());
        }
        domain.trim();
    }

    /** What the domain held when it had the most tables. */
    synchronized DomainStatistics worst() {
        return worst;
    }

    /** How many pages have been taken. */
    synchronized long swaps() {
        return swaps;
    }

    /** How many large pages have been made whole again. */
    synchronized long madeWhole() {
        return madeWhole;
    }

    private void takeAny() {
        int page = random.nextInt(guest.pages());
        while (!PageStates.isPresent(states.stamp(page))) {
            page = random.nextInt(guest.pages());
        }
        states.advance(page);
        strategy.take(domain, guest.iova(page));
        states.advance(page);
        out.addLast(save(page));
        inPieces.add(guest.leafOf(page));
        swaps++;
    }

    private void bringBack(Saved saved) {
        mapBack(saved, frames.bringBack(saved.page, saved.content));
    }

    private void mapBack(Saved saved, long frame) {
        states.advance(saved.page);
        domain.map(guest.iova(saved.page), frame, GuestMemory.PAGE_SIZE, Access.READ_WRITE);
        states.advance(saved.page);
        room.push(saved.content);
    }

    private void makeWhole(long leaf) {
        int from = guest.firstPageFrom(leaf);
        int to = guest.firstPageFrom(leaf + guest.leafSize());
        if (merges) {
            merge(leaf, from, to);
        } else {
            mapAgain(leaf, from, to);
        }
        madeWhole++;
    }

    /** Its pages go home one by one; the rest of it stays mapped at every instant. */
    private void merge(long leaf, int from, int to) {
        for (int page = from; page < to; page++) {
            if (frames.isAway(page)) {
                states.advance(page);
                domain.unmap(guest.iova(page), GuestMemory.PAGE_SIZE);
                states.advance(page);
                out.addLast(save(page));
            }
        }
        for (Iterator<Saved> all = out.iterator(); all.hasNext(); ) {
            Saved saved = all.next();
            if (saved.page >= from && saved.page < to) {
                all.remove();
                frames.bringHome(saved.page, saved.content);
                mapBack(saved, GuestMemory.home(guest.iova(saved.page)));
            }
        }
        try (IotlbGather gather = domain.gather()) {
            domain.coalesce(leaf, guest.leafSize(), gather);
            domain.sync(gather).await();
        }
    }

    private void mapAgain(long leaf, int from, int to) {
        advancePresent(from, to);
        domain.unmap(leaf, guest.leafSize());
        for (int page = from; page < to; page++) {
            if (!PageStates.isGone(states.stamp(page))) {
                states.advance(page);
            }
        }
        bringHome(from, to);
        advance(from, to);
        domain.map(leaf, GuestMemory.home(leaf), guest.leafSize(), Access.READ_WRITE);
        advance(from, to);
    }

    private void bringHome(int from, int to) {
        for (Iterator<Saved> all = out.iterator(); all.hasNext(); ) {
            Saved saved = all.next();
            if (saved.page >= from && saved.page < to) {
                frames.bringHome(saved.page, saved.content);
                room.push(saved.content);
                all.remove();
            }
        }
        for (int page = from; page < to; page++) {
            if (frames.isAway(page)) {
                Saved saved = save(page);
                frames.bringHome(page, saved.content);
                room.push(saved.content);
            }
        }
    }

    private Saved save(int page) {
        long[] content = room.isEmpty() ? Content.newPage() : room.pop();
        frames.save(page, content);
        return new Saved(page, content);
    }

    private void advancePresent(int from, int to) {
        for (int page = from; page < to; page++) {
            if (PageStates.isPresent(states.stamp(page))) {
                states.advance(page);
            }
        }
    }

    private void advance(int from, int to) {
        for (int page = from; page < to; page++) {
            states.advance(page);
        }
    }

    private static int pagesOut(int pages) {
        return Math.clamp(pages / 256, LEAST_OUT, MOST_OUT);
    }

    /** A page that is out, and its content. */
    @SuppressWarnings("ArrayRecordComponent") // it is room for a page, not a value
    private record Saved(int page, long[] content) {}
}
