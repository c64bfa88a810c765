package org.iommu4j.machine;

import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The memory that software and hardware share: 64-bit little-endian words at physical addresses
 * from 0.
 *
 * <p>Each method's name carries its memory order. Every access is checked against the size, and
 * every word access must be aligned to 8 bytes. Any thread may call any method. The memory lives as
 * long as an object of this class is reachable.
 */
public final class PhysicalMemory {

    /** The number of bits of an address inside a page. */
    public static final int PAGE_SHIFT = 12;

    /** The size of a page, in bytes. */
    public static final int PAGE_SIZE = 1 << PAGE_SHIFT;

    private static final int WORD_SHIFT = 3;

    private final MemorySegment backing;
    private final long base;
    private final long start;
    private final long size;
    private final long wordsAtHand; // the words of which no observer is told: all or none
    private final PageLedger ledger;
    private final boolean sparse;
    private final @Nullable MemoryObserver observer;

    private PhysicalMemory(
            MemorySegment backing,
            long start,
            long size,
            PageLedger ledger,
            boolean sparse,
            @Nullable MemoryObserver observer) {
        this.backing = backing;
        this.base = backing.address();
        this.start = start;
        this.size = size;
        this.wordsAtHand = observer == null ? size >>> WORD_SHIFT : 0;
        this.ledger = ledger;
        this.sparse = sparse;
        this.observer = observer;
    }

    private static PhysicalMemory whole(MemorySegment backing, boolean sparse, boolean used) {
        long size = backing.byteSize();
        return new PhysicalMemory(
                backing, 0, size, new PageLedger(size, used ? size : 0), sparse, null);
    }

    /**
     * Makes zeroed memory, of which only touched pages cost anything.
     *
     * @param bytes its size; a positive multiple of 4096
     * @return the memory
     * @throws IllegalArgumentException if the size is not legal
     */
    public static PhysicalMemory allocate(long bytes) {
        requireWholePages(bytes);
        return whole(SparseMemory.map(bytes), SparseMemory.canDiscard(), false);
    }

    /**
     * Puts a face of physical memory on memory that exists: offset 0 of the segment is physical
     * address 0.
     *
     * @param segment native or mapped memory whose size is a positive multiple of 4096, aligned to
     *     4096; its arena must stay open as long as the result is used
     * @return the memory
     * @throws IllegalArgumentException if the segment is on the Java heap, read-only, misaligned,
     *     or of another size
     */
    public static PhysicalMemory over(MemorySegment segment) {
        if (!segment.isNative() || segment.isReadOnly()) {
            throw new IllegalArgumentException("physical memory is native or mapped, and writable");
        }
        requireWholePages(segment.byteSize());
        if ((segment.address() & (PAGE_SIZE - 1)) != 0) {
            throw new IllegalArgumentException(
                    "memory at 0x"
                            + Long.toHexString(segment.address())
                            + " is not aligned to 0x1000");
        }
        return whole(segment, false, true);
    }

    /**
     * A part of a file, and where it stands in memory; all three are multiples of 4096.
     *
     * @param address the physical address of its first byte
     * @param offset where it begins in the file
     * @param bytes its size
     */
    public record FilePart(long address, long offset, long bytes) {}

    /**
     * Puts a face of physical memory on parts of a file that other processes have mapped too. What
     * is stored to such a part they see, and the other way round; what lies in no part is memory
     * that only this process has. The file may be removed while the memory is in use.
     *
     * @param file the file, as long as its parts say
     * @param bytes the size of the memory; a positive multiple of 4096
     * @param parts the parts, which do not overlap
     * @return the memory
     * @throws IllegalArgumentException if the size is not legal, or a part is misaligned or not
     *     inside the memory
     * @throws UncheckedIOException if the file cannot be mapped
     * @throws UnsupportedOperationException on another system than Linux
     */
    public static PhysicalMemory shared(Path file, long bytes, List<FilePart> parts) {
        requireWholePages(bytes);
        return whole(SparseMemory.mapShared(file, bytes, parts), false, true);
    }

    /**
     * Returns a view of the same memory and ledger whose accesses an observer sees.
     *
     * @param observer who sees them
     * @return the view
     */
    public PhysicalMemory observedBy(MemoryObserver observer) {
        Objects.requireNonNull(observer, "observer");
        return new PhysicalMemory(backing, start, size, ledger, sparse, observer);
    }

    /**
     * Returns a view of the same memory and ledger whose accesses an observer sees, and after it
     * whoever sees those of this view.
     *
     * @param observer who sees them first
     * @return the view
     */
    public PhysicalMemory observedFirstBy(MemoryObserver observer) {
        return observedBy(
                this.observer == null ? observer : new BothObservers(observer, this.observer));
    }

    /** {@return a view of the same memory and ledger whose accesses nobody sees} */
    public PhysicalMemory unobserved() {
        return observer == null
                ? this
                : new PhysicalMemory(backing, start, size, ledger, sparse, null);
    }

    /**
     * Returns a view of a part of this memory: addresses and ledger are the same, and whatever lies
     * outside of the part cannot be reached through it.
     *
     * @param from the physical address of its first byte; a multiple of 4096
     * @param bytes its size; a positive multiple of 4096
     * @return the view, observed as this memory is
     * @throws IllegalArgumentException if the part is misaligned, or not inside this memory
     */
    public PhysicalMemory part(long from, long bytes) {
        requireWholePages(bytes);
        if ((from & (PAGE_SIZE - 1)) != 0
                || bytes > size
                || from < start
                || from - start > size - bytes) {
            throw new IllegalArgumentException(
                    "a part of 0x%x bytes from 0x%x of a memory from 0x%x to 0x%x"
                            .formatted(bytes, from, start, start + size));
        }
        return new PhysicalMemory(backing, from, bytes, ledger, sparse, observer);
    }

    /** {@return the physical address of the first byte: 0 unless this is a {@link #part}} */
    public long start() {
        return start;
    }

    /** {@return the size, in bytes} */
    public long size() {
        return size;
    }

    /** {@return the words beside the pages, shared by every view of this memory} */
    public PageLedger ledger() {
        return ledger;
    }

    /**
     * Says whether a whole page lies inside this memory.
     *
     * @param page its physical address, in bytes
     * @return true if all its 4096 bytes do
     */
    public boolean containsPage(long page) {
        return Long.compareUnsigned(page - start, size - PAGE_SIZE) <= 0;
    }

    /**
     * Reads a word in no particular order.
     *
     * @param address its physical address
     * @return its value
     * @throws IndexOutOfBoundsException if it is outside of this memory, or misaligned
     */
    public long loadPlain(long address) {
        if (!isOneOf(wordsAtHand, address)) {
            aboutToLoad(address);
        }
        return (long) Words.WORD.get(Words.EVERYTHING, Words.place(base + address));
    }

    /**
     * Reads a word; later accesses stay behind it.
     *
     * @param address its physical address
     * @return its value
     * @throws IndexOutOfBoundsException if it is outside of this memory, or misaligned
     */
    public long loadAcquire(long address) {
        if (!isOneOf(wordsAtHand, address)) {
            aboutToLoad(address);
        }
        return (long) Words.WORD.getAcquire(Words.EVERYTHING, Words.place(base + address));
    }

    /**
     * Stores a word in no particular order. For words that the hardware cannot reach yet, or whose
     * order is made by a later release.
     *
     * @param address its physical address
     * @param value the word
     * @throws IndexOutOfBoundsException if it is outside of this memory, or misaligned
     */
    public void storePlain(long address, long value) {
        if (!isOneOf(wordsAtHand, address)) {
            aboutToStore(address, value);
        }
        Words.WORD.set(Words.EVERYTHING, Words.place(base + address), value);
    }

    /**
     * Stores a word; earlier accesses stay before it.
     *
     * @param address its physical address
     * @param value the word
     * @throws IndexOutOfBoundsException if it is outside of this memory, or misaligned
     */
    public void storeRelease(long address, long value) {
        if (!isOneOf(wordsAtHand, address)) {
            aboutToStore(address, value);
        }
        Words.WORD.setRelease(Words.EVERYTHING, Words.place(base + address), value);
    }

    /**
     * Replaces a word if it holds what is expected, atomically and in full order.
     *
     * @param address its physical address
     * @param expected what must be there
     * @param value what will be there then
     * @return what was there: {@code expected} if and only if the word was replaced
     * @throws IndexOutOfBoundsException if it is outside of this memory, or misaligned
     */
    public long compareAndExchange(long address, long expected, long value) {
        check(address);
        if (observer != null) {
            observer.beforeExchange(address, expected, value);
        }
        return (long)
                Words.WORD.compareAndExchange(
                        Words.EVERYTHING, Words.place(base + address), expected, value);
    }

    /**
     * Stores words with a constant difference, each word whole, in no particular order: {@code
     * first}, {@code first + step}, {@code first + 2 * step} and so on.
     *
     * @param address where the first word goes
     * @param first its value
     * @param step the difference between neighbours: 0 or a power of two
     * @param count how many words; all lie in one page
     * @throws IndexOutOfBoundsException if a word is outside of this memory, or they do not lie in
     *     one page
     */
    public void fill(long address, long first, long step, int count) {
        if (count <= 0) {
            return;
        }
        checkRun(address, count);
        if (observer != null) {
            WordRuns.fillObserved(this, address, first, step, count);
            return;
        }
        try {
            WordRuns.fill(base + address, first, step, count);
        } finally {
            /* A long loop may pause for the collector, which must find the memory in use. */
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Counts, reading in no particular order, those of neighbouring words that have any of some
     * bits.
     *
     * @param address of the first word
     * @param bits the bits
     * @param count how many words; all lie in one page
     * @return how many of them have any of the bits
     * @throws IndexOutOfBoundsException if a word is outside of this memory, or misaligned, or they
     *     do not lie in one page
     */
    public int countAny(long address, long bits, int count) {
        if (count <= 0) {
            return 0;
        }
        checkRun(address, count);
        if (observer != null) {
            return WordRuns.countAnyObserved(this, address, bits, count);
        }
        try {
            return WordRuns.countAny(base + address, bits, count);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Finds, reading in no particular order, the first of neighbouring words that has any of some
     * bits.
     *
     * @param address of the first word
     * @param bits the bits
     * @param count how many words; all lie in one page
     * @return how many words come before it; {@code count} if none has any of the bits
     * @throws IndexOutOfBoundsException if a word is outside of this memory, or misaligned, or they
     *     do not lie in one page
     */
    public int findAny(long address, long bits, int count) {
        if (count <= 0) {
            return 0;
        }
        checkRun(address, count);
        if (observer != null) {
            return WordRuns.findAnyObserved(this, address, bits, count);
        }
        try {
            return WordRuns.findAny(base + address, bits, count);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Clears bits of neighbouring words, up to the first that has none of them. Each word is
     * changed by an exchange in full order, and keeps whatever else is stored to it meanwhile.
     *
     * @param address of the first word
     * @param bits the bits
     * @param count how many words at most; all lie in one page
     * @return how many words were changed
     * @throws IndexOutOfBoundsException if a word is outside of this memory, or misaligned, or they
     *     do not lie in one page
     */
    public int clearRun(long address, long bits, int count) {
        if (count <= 0) {
            return 0;
        }
        checkRun(address, count);
        if (observer != null) {
            return WordRuns.clearRunObserved(this, address, bits, count);
        }
        try {
            return WordRuns.clearRun(base + address, bits, count);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Writes the lines of the processor's cache that hold these bytes back to memory, for a reader
     * that does not snoop the cache. Every memory of this JVM is coherent with it, so this is an
     * event for the observer, which models such a reader.
     *
     * @param address the first byte
     * @param bytes how many
     */
    public void writeBack(long address, long bytes) {
        if (observer != null) {
            observer.beforeWriteBack(address, bytes);
        }
    }

    /**
     * Gives the memory behind whole pages back to the system, if it can be given back: memory of
     * {@link #allocate} can on Linux, unless an observer sees it. The pages stay usable.
     *
     * @param address the first page's physical address
     * @param bytes how many; a multiple of 4096
     * @return true if that was done, and the pages read as zero; false if nothing has changed
     * @throws IndexOutOfBoundsException if a page is outside of this memory
     */
    public boolean discard(long address, long bytes) {
        if (((address | bytes) & (PAGE_SIZE - 1)) != 0
                || bytes <= 0
                || address < start
                || address - start > size - bytes) {
            throw outside(address);
        }
        return sparse && observer == null && SparseMemory.discard(base + address, bytes);
    }

    /** Orders every store and write-back before it with every access after it. */
    public void fence() {
        if (observer != null) {
            observer.beforeFence();
        }
        VarHandle.fullFence();
    }

    /** Tells the processor, and the observer, that this thread waits for another one. */
    public void spin() {
        if (observer != null) {
            observer.spin();
        }
        Thread.onSpinWait();
    }

    /**
     * Announces an access to a page's word in the ledger, so that an observer can step on it.
     *
     * @param page the physical address of the page
     */
    public void announceLedger(long page) {
        if (observer != null) {
            observer.beforeLedger(page);
        }
    }

    /* One comparison for all: rotated, the number of a word outside of this memory, or of one that is not aligned, is
     * not below that of the words it has. */
    private boolean isOneOf(long words, long address) {
        return Long.compareUnsigned(Long.rotateRight(address - start, WORD_SHIFT), words) < 0;
    }

    private void check(long address) {
        if (!isOneOf(size >>> WORD_SHIFT, address)) {
            throw outside(address);
        }
    }

    private void aboutToLoad(long address) {
        check(address);
        if (observer != null) {
            observer.beforeLoad(address);
        }
    }

    private void aboutToStore(long address, long value) {
        check(address);
        if (observer != null) {
            observer.beforeStore(address, value);
        }
    }

    private void checkRun(long address, int count) {
        if ((int) (address & (PAGE_SIZE - 1)) + count * Long.BYTES > PAGE_SIZE) {
            throw outside(address);
        }
        check(address);
    }

    private IndexOutOfBoundsException outside(long address) {
        return new IndexOutOfBoundsException(
                ("physical address 0x%x is outside of this memory, from 0x%x to 0x%x, or not aligned"
                                + " to 8 bytes, or the words do not lie in one page")
                        .formatted(address, start, start + size));
    }

    private static void requireWholePages(long bytes) {
        if (bytes <= 0 || (bytes & (PAGE_SIZE - 1)) != 0) {
            throw new IllegalArgumentException(
                    "a memory of %d bytes; the size must be a positive multiple of 4096"
                            .formatted(bytes));
        }
    }
}
