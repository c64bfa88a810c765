package org.iommu4j.cli.vm;

import java.nio.ByteBuffer;
import org.iommu4j.machine.PhysicalMemory;

/**
 * What stands in the memory of a VM under test: words that tell where they belong.
 *
 * <p>A word that a device writes is its version, 15 bits, and the I/O virtual address it was
 * written to. A word of a given-up page, poison, is {@code 0xdead} and its own physical address.
 * Zero is what nobody has written yet. So a wrong word says in a message where it came from.
 */
public final class Content {
    /** What one DMA transfers, in bytes: the part of each page that is one device's own. */
    static final int SLOT = 64;

    /** How many devices can have a part of each page. */
    public static final int SLOTS = (int) GuestMemory.PAGE_SIZE / SLOT;

    private static final int WORDS = SLOT / Long.BYTES;
    private static final int PAGE_WORDS = (int) GuestMemory.PAGE_SIZE / Long.BYTES;
    private static final int VERSION_SHIFT = 48;
    private static final long VERSION_MASK = 0x7fff;
    private static final long POISON = 0xdeadL << VERSION_SHIFT;
    private static final long ADDRESS_MASK = (1L << VERSION_SHIFT) - 1;

    private Content() {}

    /** Writes a version of a slot into a buffer from its start; version 0 is zeros. */
    static void fill(ByteBuffer slot, long iova, int version) {
        for (int i = 0; i < WORDS; i++) {
            slot.putLong(i * Long.BYTES, word(iova, i, version));
        }
    }

    /** Whether a buffer holds a version of a slot. */
    static boolean holds(ByteBuffer slot, long iova, int version) {
        long difference = 0;
        for (int i = 0; i < WORDS; i++) {
            difference |= slot.getLong(i * Long.BYTES) ^ word(iova, i, version);
        }
        return difference == 0;
    }

    /**
     * Whether each word of a buffer is of a version of a slot or of the next: what a write leaves
     * that was blocked, and may have been done in part.
     */
    static boolean holdsOrPartlyNext(ByteBuffer slot, long iova, int version) {
        for (int i = 0; i < WORDS; i++) {
            long word = slot.getLong(i * Long.BYTES);
            if (word != word(iova, i, version) && word != word(iova, i, version + 1)) {
                return false;
            }
        }
        return true;
    }

    /** Says of the first wrong word what it is instead. */
    static String difference(ByteBuffer slot, long iova, int version) {
        int i = 0;
        while (i < WORDS - 1 && slot.getLong(i * Long.BYTES) == word(iova, i, version)) {
            i++;
        }
        long address = iova + (long) i * Long.BYTES;
        return describe(slot.getLong(i * Long.BYTES))
                + ", not "
                + describe(word(iova, i, version))
                + ", at 0x"
                + Long.toHexString(address);
    }

    /**
     * Poisons a page of the host.
     *
     * @param memory the host's memory
     * @param frame the page's physical address
     */
    public static void poison(PhysicalMemory memory, long frame) {
        memory.fill(frame, POISON | frame, Long.BYTES, PAGE_WORDS);
    }

    /**
     * Looks for a word of a page that is not poison any more.
     *
     * @param memory the host's memory
     * @param frame the page's physical address
     * @return the index of the first, or -1
     */
    public static int firstUnpoisoned(PhysicalMemory memory, long frame) {
        for (int i = 0; i < PAGE_WORDS; i++) {
            long address = frame + (long) i * Long.BYTES;
            if (memory.loadPlain(address) != (POISON | address)) {
                return i;
            }
        }
        return -1;
    }

    /**
     * Copies a page of the host into words.
     *
     * @param memory the host's memory
     * @param frame the page's physical address
     * @param words room for a page
     */
    public static void save(PhysicalMemory memory, long frame, long[] words) {
        for (int i = 0; i < PAGE_WORDS; i++) {
            words[i] = memory.loadPlain(frame + (long) i * Long.BYTES);
        }
    }

    /**
     * Copies words into a page of the host.
     *
     * @param memory the host's memory
     * @param frame the page's physical address
     * @param words the words of a page
     */
    public static void restore(PhysicalMemory memory, long frame, long[] words) {
        for (int i = 0; i < PAGE_WORDS; i++) {
            memory.storePlain(frame + (long) i * Long.BYTES, words[i]);
        }
    }

    /** {@return room for a page} */
    public static long[] newPage() {
        return new long[PAGE_WORDS];
    }

    /**
     * Says what a word is.
     *
     * @param word any word
     * @return its version or its being poison, and its address
     */
    public static String describe(long word) {
        String address = "0x" + Long.toHexString(word & ADDRESS_MASK);
        if (word == 0) {
            return "zero";
        }
        return (word & ~ADDRESS_MASK) == POISON
                ? "poison of the physical address " + address
                : "version " + (word >>> VERSION_SHIFT) + " of " + address;
    }

    private static long word(long iova, int index, int version) {
        return version == 0
                ? 0
                : (version & VERSION_MASK) << VERSION_SHIFT | iova + (long) index * Long.BYTES;
    }
}
