package org.iommu4j.api;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.util.Objects;
import org.iommu4j.machine.PageList;
import org.jspecify.annotations.Nullable;

/**
 * What must be invalidated, and the table pages that must not be reused before it has been: the
 * gather and freelist contract between an engine, which fills it, and a flush policy, which acts on
 * it.
 *
 * <p>A gather holds a short list of ranges of I/O virtual addresses, the smallest page size in
 * them, whether a non-leaf entry changed, and the freelist. It is reusable and allocates nothing
 * per use. It belongs to one thread at a time and to one domain. One that is dropped while it holds
 * something is reported, and its pages are freed only after everything has been invalidated.
 */
public final class IotlbGather implements AutoCloseable {

    /** For how many parts of its addresses an owner can note which changes a gather holds. */
    public static final int STAMPS = 16;

    /* The collector may call a gather abandoned while its last method still runs. So every method that changes what it
     * holds ends with a reachability fence, which also lets the cleaner's thread see the change. */
    private static final Cleaner ABANDONED = Cleaner.create();

    /** The domain a gather belongs to. */
    public interface Owner {

        /**
         * Invalidates what the gather holds, then frees its pages; the gather is empty when this
         * returns.
         *
         * @param gather a gather of this owner
         * @return when the invalidation is complete
         */
        FlushCompletion sync(IotlbGather gather);

        /**
         * Takes back table pages that the hardware cannot reach any more.
         *
         * @param pages the pages, at least one; empty when this returns
         */
        void release(PageList pages);

        /**
         * Hears that the invalidation of everything in a gather has completed, before the pages are
         * released.
         *
         * @param gather the gather, still full
         */
        default void invalidated(IotlbGather gather) {}

        /**
         * Takes over what a gather held that was dropped without a sync. Called by a thread of the
         * garbage collector's.
         *
         * @param remains a gather with the same content
         */
        default void abandoned(IotlbGather remains) {
            sync(remains);
        }
    }

    private final Owner owner;
    private final GatheredRanges ranges;

    /**
     * Makes an empty gather.
     *
     * @param owner the domain it belongs to
     */
    public IotlbGather(Owner owner) {
        this(Objects.requireNonNull(owner, "owner"), new GatheredRanges());
        GatheredRanges held = ranges;
        /* Weakly: an owner may keep gathers of its own, and must not be kept alive by them. */
        WeakReference<Owner> keeper = new WeakReference<>(owner);
        ABANDONED.register(this, () -> report(keeper.get(), held));
    }

    private IotlbGather(Owner owner, GatheredRanges ranges) {
        this.owner = owner;
        this.ranges = ranges;
    }

    private static void report(@Nullable Owner owner, GatheredRanges held) {
        if (owner != null && !held.isEmpty()) {
            owner.abandoned(new IotlbGather(owner, held));
        }
    }

    /** {@return the domain it belongs to} */
    public Owner owner() {
        return owner;
    }

    /** {@return the lowest I/O virtual address of all ranges, in bytes; 0 if there is none} */
    public long start() {
        return ranges.start();
    }

    /** {@return the end of the highest range (its last byte plus one); 0 if there is none} */
    public long end() {
        return ranges.end();
    }

    /** {@return the number of disjoint ranges} */
    public int rangeCount() {
        return ranges.count();
    }

    /**
     * Returns where a range starts.
     *
     * @param index 0 to {@link #rangeCount()} - 1; the order means nothing
     * @return its first I/O virtual address, in bytes
     */
    public long rangeStart(int index) {
        return ranges.start(index);
    }

    /**
     * Returns where a range ends.
     *
     * @param index 0 to {@link #rangeCount()} - 1
     * @return its last byte plus one
     */
    public long rangeEnd(int index) {
        return ranges.end(index);
    }

    /**
     * Tells whether a range is held as a whole.
     *
     * @param start first I/O virtual address
     * @param end its last byte plus one
     * @return true if one of the ranges holds it
     */
    public boolean covers(long start, long end) {
        return ranges.covers(start, end);
    }

    /** {@return the smallest page size in the ranges, in bytes; 0 if there is no range} */
    public long smallestPage() {
        return ranges.smallestPage();
    }

    /**
     * {@return true if a non-leaf entry changed, so that paging-structure caches must be
     * invalidated too}
     */
    public boolean structureChanged() {
        return ranges.structureChanged();
    }

    /** {@return how many table pages wait for the invalidation} */
    public int heldPages() {
        return ranges.pages().size();
    }

    /** {@return true if there is nothing to invalidate and nothing to free} */
    public boolean isEmpty() {
        return ranges.isEmpty();
    }

    /**
     * Adds a range to invalidate.
     *
     * @param iova first I/O virtual address, in bytes
     * @param size bytes; positive
     * @param pageSize the smallest page size that was changed in it, in bytes
     */
    public void addRange(long iova, long size, long pageSize) {
        try {
            ranges.add(iova, iova + size, pageSize);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Adds a table page to the freelist.
     *
     * @param pageAddress its physical address
     */
    public void addTable(long pageAddress) {
        try {
            ranges.pages().add(pageAddress);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Notes that a non-leaf entry changed. */
    public void markStructureChanged() {
        try {
            ranges.markStructureChanged();
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Returns the owner's note of the latest change that is in here: the largest of all that were
     * moved here.
     *
     * @param part a part of the owner's addresses, 0 to {@link #STAMPS} - 1
     * @return the count, or 0 if there is no note
     * @throws IndexOutOfBoundsException if there is no such part
     */
    public long stamp(int part) {
        return ranges.stamp(part);
    }

    /** {@return for which parts there is a note: bit i stands for part i} */
    public int stampedParts() {
        return ranges.stampedParts();
    }

    /**
     * Notes the latest change that is in here, or by which this was widened, in a count of the
     * owner's that never decreases: the invalidation comes after all changes up to it. The note is
     * gone when the gather is empty again.
     *
     * @param part a part of the owner's addresses, 0 to {@link #STAMPS} - 1
     * @param count the count; positive
     * @throws IndexOutOfBoundsException if there is no such part; nothing has changed
     */
    public void stamp(int part, long count) {
        try {
            ranges.stamp(part, count);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** {@return an empty gather of the same owner: what a batching policy keeps} */
    public IotlbGather sibling() {
        return new IotlbGather(owner);
    }

    /**
     * Moves everything to a batch; this gather becomes empty and reusable.
     *
     * @param batch a gather of the same owner
     * @throws IllegalArgumentException if the batch belongs to another domain; nothing has changed
     */
    @SuppressWarnings("ReferenceEquality") // a domain is itself, whatever it may equal
    public void moveTo(IotlbGather batch) {
        if (batch.owner != owner) {
            throw new IllegalArgumentException("the batch belongs to another domain");
        }
        try {
            if (batch != this) {
                ranges.moveTo(batch.ranges);
            }
        } finally {
            Reference.reachabilityFence(batch);
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Says that the invalidation of everything in here is complete: the pages go back to the owner,
     * and the gather is empty.
     */
    public void completed() {
        try {
            owner.invalidated(this);
            ranges.forgetRanges();
            if (!ranges.pages().isEmpty()) {
                owner.release(ranges.pages());
                ranges.pages().clear();
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Syncs what is in here, if anything is. The gather stays usable. */
    @Override
    public void close() {
        try {
            if (!isEmpty()) {
                owner.sync(this);
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    @Override
    public String toString() {
        return ranges.toString();
    }
}
