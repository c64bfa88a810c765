package org.iommu4j.emulator;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.LongFunction;
import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/**
 * An object for each page of a part of memory, made when it is first asked for. Any thread may call
 * any method.
 *
 * @param <T> the objects
 */
final class PageArray<T> {

    private static final int CHUNK = 1 << 10;

    private final long start;
    private final long pages;
    private final LongFunction<T> maker;
    private final AtomicReferenceArray<@Nullable AtomicReferenceArray<@Nullable T>> chunks;

    /**
     * Makes an array without objects.
     *
     * @param start the physical address of the first page
     * @param bytes the size of the part
     * @param maker makes the object of the page at a physical address
     */
    PageArray(long start, long bytes, LongFunction<T> maker) {
        this.start = start;
        this.pages = bytes >>> PhysicalMemory.PAGE_SHIFT;
        this.maker = maker;
        this.chunks = new AtomicReferenceArray<>((int) ((pages + CHUNK - 1) / CHUNK));
    }

    /** {@return true if an address is in the part} */
    boolean contains(long address) {
        return Long.compareUnsigned(index(address), pages) < 0;
    }

    /** {@return the object of the page of an address; null if there is none, or outside} */
    @Nullable T find(long address) {
        if (!contains(address)) {
            return null;
        }
        long index = index(address);
        AtomicReferenceArray<@Nullable T> chunk = chunks.get((int) (index / CHUNK));
        return chunk == null ? null : chunk.get((int) (index % CHUNK));
    }

    /**
     * Returns the object of a page, and makes it first if there is none.
     *
     * @param address an address in the part
     * @return the object
     */
    T of(long address) {
        T known = find(address);
        return known != null ? known : make(address);
    }

    private T make(long address) {
        long index = index(address);
        int number = (int) (index / CHUNK);
        chunks.compareAndSet(number, null, new AtomicReferenceArray<>(CHUNK));
        AtomicReferenceArray<@Nullable T> chunk = chunks.get(number);
        T made = maker.apply(address & -PhysicalMemory.PAGE_SIZE);
        T before =
                chunk == null ? null : chunk.compareAndExchange((int) (index % CHUNK), null, made);
        return before == null ? made : before;
    }

    private long index(long address) {
        return address - start >> PhysicalMemory.PAGE_SHIFT;
    }
}
