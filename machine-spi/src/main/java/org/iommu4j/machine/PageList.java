package org.iommu4j.machine;

import java.util.Arrays;
import java.util.Objects;

/**
 * A list of physical page addresses, without an object an element: what an allocator hands out, and
 * the freelist of table pages that hardware may still reach.
 *
 * <p>It grows as needed and keeps its storage when emptied. Not safe for use by several threads at
 * once.
 */
public final class PageList {

    private long[] pages = new long[8];
    private int size;

    /** Makes an empty list. */
    public PageList() {}

    /** {@return the number of pages} */
    public int size() {
        return size;
    }

    /** {@return true if there is no page} */
    public boolean isEmpty() {
        return size == 0;
    }

    /**
     * Appends a page.
     *
     * @param page its physical address, in bytes
     */
    public void add(long page) {
        ensureRoom(1);
        pages[size++] = page;
    }

    /**
     * Returns a page.
     *
     * @param index its place, from 0
     * @return its physical address
     * @throws IndexOutOfBoundsException if there is none at that place
     */
    public long get(int index) {
        if (Integer.compareUnsigned(index, size) >= 0) {
            throw new IndexOutOfBoundsException("no page " + index + " in a list of " + size);
        }
        return pages[index];
    }

    /**
     * Takes the last page off.
     *
     * @return its physical address
     * @throws IndexOutOfBoundsException if the list is empty
     */
    public long removeLast() {
        if (size == 0) {
            throw new IndexOutOfBoundsException("the list of pages is empty");
        }
        return pages[--size];
    }

    /**
     * Appends all pages of this list to another one; this one is empty then.
     *
     * @param target where they go
     */
    public void moveTo(PageList target) {
        moveLast(target, size);
    }

    /**
     * Appends the last pages of this list to another one, and takes them off this one.
     *
     * @param target where they go; another list
     * @param count how many
     * @throws IndexOutOfBoundsException if there are not as many; nothing has changed
     */
    public void moveLast(PageList target, int count) {
        Objects.checkFromIndexSize(size - count, count, size);
        target.ensureRoom(count);
        System.arraycopy(pages, size - count, target.pages, target.size, count);
        target.size += count;
        size -= count;
    }

    /** Forgets all pages. */
    public void clear() {
        size = 0;
    }

    /**
     * Makes room, so that adding cannot fail later.
     *
     * @param more how many pages will be added
     * @throws OutOfMemoryError if there is no room; nothing has changed
     */
    public void ensureRoom(int more) {
        if (pages.length - size < more) {
            pages = Arrays.copyOf(pages, Math.max(pages.length * 2, Math.addExact(size, more)));
        }
    }
}
