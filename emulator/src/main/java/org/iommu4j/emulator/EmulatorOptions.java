package org.iommu4j.emulator;

import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/**
 * What an {@link EmulatedMachine} is made of: how much memory, which devices, and what its
 * remapping units can do.
 *
 * <p>Immutable: each method that sets something returns a copy. Any thread may call any method.
 */
public final class EmulatorOptions implements Cloneable {

    private static final long LEAST_TABLE_MEMORY = 64L << 20;
    private static final int MOST_UNITS = 16;
    private static final int MOST_DEVICES = 128;

    /* Written before the object is given away, never after: see with(). */
    private long memory = 1L << 30;
    private long tableMemory;
    private int units = 1;
    private int devices = 2;
    private int hostAddressWidth = 46;
    private int[] addressWidths = {39, 48, 57};
    private long pageSizes = 1L << 12 | 1L << 21 | 1L << 30;
    private int domainIdBits = 16;
    private boolean cachingMode;
    private boolean writeBufferFlush;
    private boolean coherent = true;
    private int maxAddressMask = 18;
    private boolean pageSelective = true;
    private boolean drains = true;
    private boolean snoopControl;
    private int faultRecords = 8;
    private int iotlbEntries = 4096;
    private Replacement replacement = Replacement.OLDEST;
    private int pagingStructureEntries = 256;
    private CacheBehaviour caches = CacheBehaviour.ORDINARY;
    private long seed = 1;
    private boolean queueThread;
    private boolean sanitizer = true;
    private @Nullable LongConsumer beforeWalkLoad;
    private Supplier<QueueTrouble> queueTrouble = () -> QueueTrouble.NONE;

    private EmulatorOptions() {}

    /**
     * {@return 1 GiB of memory, one unit with every width and page size of second-stage
     * translation, coherent, two devices, and the sanitizer on}
     */
    public static EmulatorOptions defaults() {
        return new EmulatorOptions();
    }

    /**
     * Sets the memory for whoever uses the machine. It lies at physical address 0.
     *
     * @param bytes its size; a positive multiple of 4096
     * @return a copy with it
     * @throws IllegalArgumentException if the size is not legal
     */
    public EmulatorOptions memory(long bytes) {
        requireWholePages("memory", bytes);
        return with(copy -> copy.memory = bytes);
    }

    /**
     * Sets the memory for tables and queues. It lies above the other memory. A 64th of that is the
     * default, at least 64 MiB.
     *
     * @param bytes its size; a positive multiple of 4096
     * @return a copy with it
     * @throws IllegalArgumentException if the size is not legal
     */
    public EmulatorOptions tableMemory(long bytes) {
        requireWholePages("table memory", bytes);
        return with(copy -> copy.tableMemory = bytes);
    }

    /**
     * Sets the number of remapping units. The devices are dealt out to them in turn.
     *
     * @param count 1 to 16
     * @return a copy with it
     * @throws IllegalArgumentException if the number is not legal
     */
    public EmulatorOptions units(int count) {
        requireBetween("units", count, 1, MOST_UNITS);
        return with(copy -> copy.units = count);
    }

    /**
     * Sets the number of devices.
     *
     * @param count 1 to 128
     * @return a copy with it
     * @throws IllegalArgumentException if the number is not legal
     */
    public EmulatorOptions devices(int count) {
        requireBetween("devices", count, 1, MOST_DEVICES);
        return with(copy -> copy.devices = count);
    }

    /**
     * Sets the width of physical addresses.
     *
     * @param bits 32 to 52
     * @return a copy with it
     * @throws IllegalArgumentException if the width is not legal
     */
    public EmulatorOptions hostAddressWidth(int bits) {
        requireBetween("bits of host address", bits, 32, 52);
        return with(copy -> copy.hostAddressWidth = bits);
    }

    /**
     * Sets the widths of I/O virtual addresses that the units can translate (CAP.SAGAW); the
     * largest is the most that a request may have (CAP.MGAW).
     *
     * @param bits one or more of 39 (3 levels of tables), 48 (4) and 57 (5)
     * @return a copy with them
     * @throws IllegalArgumentException if there is none, or one is not legal
     */
    public EmulatorOptions addressWidths(int... bits) {
        int[] sorted = bits.clone();
        Arrays.sort(sorted);
        if (sorted.length == 0
                || Arrays.stream(sorted)
                        .anyMatch(width -> width != 39 && width != 48 && width != 57)) {
            throw new IllegalArgumentException(
                    "address widths "
                            + Arrays.toString(bits)
                            + "; some of 39, 48 and 57 are legal");
        }
        return with(copy -> copy.addressWidths = sorted);
    }

    /**
     * Sets the sizes that a leaf may have (CAP.SSLPS).
     *
     * @param sizes the sizes in bytes, joined by |; 4 KiB, and perhaps 2 MiB and 1 GiB
     * @return a copy with them
     * @throws IllegalArgumentException if the sizes are not legal
     */
    public EmulatorOptions pageSizes(long sizes) {
        if ((sizes & 1L << 12) == 0 || (sizes & ~(1L << 12 | 1L << 21 | 1L << 30)) != 0) {
            throw new IllegalArgumentException(
                    "page sizes 0x"
                            + Long.toHexString(sizes)
                            + "; 0x1000 is legal, with 0x200000 and 0x40000000 or without");
        }
        return with(copy -> copy.pageSizes = sizes);
    }

    /**
     * Sets how many domain ids there are (CAP.ND).
     *
     * @param bits their width; an even number from 4 to 16
     * @return a copy with it
     * @throws IllegalArgumentException if the width is not legal
     */
    public EmulatorOptions domainIdBits(int bits) {
        requireBetween("bits of domain id", bits, 4, 16);
        if (bits % 2 != 0) {
            throw new IllegalArgumentException(
                    bits + " bits of domain id; an even number from 4 to 16 is legal");
        }
        return with(copy -> copy.domainIdBits = bits);
    }

    /**
     * Sets whether the units hold on to what is not present, too (CAP.CM).
     *
     * @param on true if they do
     * @return a copy with it
     */
    public EmulatorOptions cachingMode(boolean on) {
        return with(copy -> copy.cachingMode = on);
    }

    /**
     * Sets whether software's stores wait in a write buffer until it is flushed (CAP.RWBF).
     *
     * @param on true if they do
     * @return a copy with it
     */
    public EmulatorOptions writeBufferFlush(boolean on) {
        return with(copy -> copy.writeBufferFlush = on);
    }

    /**
     * Sets whether the units snoop the processor's cache when they read tables (ECAP.C).
     *
     * @param on false if they see only what was written back
     * @return a copy with it
     */
    public EmulatorOptions coherent(boolean on) {
        return with(copy -> copy.coherent = on);
    }

    /**
     * Sets the most that one page-selective invalidation can cover (CAP.MAMV).
     *
     * @param bits 0 to 51: two to this power are the pages
     * @return a copy with it
     * @throws IllegalArgumentException if the number is not legal
     */
    public EmulatorOptions maxAddressMask(int bits) {
        requireBetween("bits of address mask", bits, 0, 51);
        return with(copy -> copy.maxAddressMask = bits);
    }

    /**
     * Sets whether there is page-selective invalidation at all (CAP.PSI).
     *
     * @param on true if there is
     * @return a copy with it
     */
    public EmulatorOptions pageSelective(boolean on) {
        return with(copy -> copy.pageSelective = on);
    }

    /**
     * Sets whether an invalidation can wait for what was translated before it (CAP.DRD, CAP.DWD).
     *
     * @param on true if it can
     * @return a copy with it
     */
    public EmulatorOptions drains(boolean on) {
        return with(copy -> copy.drains = on);
    }

    /**
     * Sets whether leaves may force snooping (ECAP.SC); without it that bit is reserved.
     *
     * @param on true if they may
     * @return a copy with it
     */
    public EmulatorOptions snoopControl(boolean on) {
        return with(copy -> copy.snoopControl = on);
    }

    /**
     * Sets the number of fault recording registers of a unit (CAP.NFR).
     *
     * @param count 1 to 128
     * @return a copy with it
     * @throws IllegalArgumentException if the number is not legal
     */
    public EmulatorOptions faultRecords(int count) {
        requireBetween("fault records", count, 1, 128);
        return with(copy -> copy.faultRecords = count);
    }

    /**
     * Sets the room of a unit's IOTLB.
     *
     * @param count its entries, at least 4; rounded up to a power of two
     * @return a copy with it
     * @throws IllegalArgumentException if the number is not legal
     */
    public EmulatorOptions iotlbEntries(int count) {
        requireBetween("IOTLB entries", count, 4, 1 << 24);
        return with(copy -> copy.iotlbEntries = count);
    }

    /**
     * Sets which entry of a unit's IOTLB makes place for a new one where there is no room.
     *
     * @param which which one; the oldest is the default
     * @return a copy with it
     */
    public EmulatorOptions replacement(Replacement which) {
        Objects.requireNonNull(which, "which");
        return with(copy -> copy.replacement = which);
    }

    /**
     * Sets the room of each paging-structure cache of a unit; there is one a level of tables.
     *
     * @param count its entries, at least 4; rounded up to a power of two
     * @return a copy with it
     * @throws IllegalArgumentException if the number is not legal
     */
    public EmulatorOptions pagingStructureEntries(int count) {
        requireBetween("paging-structure entries", count, 4, 1 << 24);
        return with(copy -> copy.pagingStructureEntries = count);
    }

    /**
     * Sets how the units treat what they have cached.
     *
     * @param behaviour how
     * @return a copy with it
     */
    public EmulatorOptions caches(CacheBehaviour behaviour) {
        Objects.requireNonNull(behaviour, "behaviour");
        return with(copy -> copy.caches = behaviour);
    }

    /**
     * Sets what everything random comes from.
     *
     * @param value the seed
     * @return a copy with it
     */
    public EmulatorOptions seed(long value) {
        return with(copy -> copy.seed = value);
    }

    /**
     * Sets who works off an invalidation queue.
     *
     * @param on true for a thread of the unit's; false for whoever writes the queue's tail, before
     *     that write returns
     * @return a copy with it
     */
    public EmulatorOptions queueThread(boolean on) {
        return with(copy -> copy.queueThread = on);
    }

    /**
     * Sets whether the machine holds what software believes against what its units do.
     *
     * @param on true if it does
     * @return a copy with it
     */
    public EmulatorOptions sanitizer(boolean on) {
        return with(copy -> copy.sanitizer = on);
    }

    /**
     * Sets what runs before a unit loads a word of a root, context or page table, on the thread
     * that walks: so tests act between two loads of one walk.
     *
     * @param step receives the physical address of the word
     * @return a copy with it
     */
    public EmulatorOptions beforeWalkLoad(LongConsumer step) {
        Objects.requireNonNull(step, "step");
        return with(copy -> copy.beforeWalkLoad = step);
    }

    /**
     * Sets what goes wrong in the invalidation queues.
     *
     * @param each is asked before each descriptor
     * @return a copy with it
     */
    public EmulatorOptions queueTrouble(Supplier<QueueTrouble> each) {
        Objects.requireNonNull(each, "each");
        return with(copy -> copy.queueTrouble = each);
    }

    long memory() {
        return memory;
    }

    long tableMemory() {
        return tableMemory != 0
                ? tableMemory
                : Math.max(LEAST_TABLE_MEMORY, (memory / 64 + 0xfff) & -PhysicalMemory.PAGE_SIZE);
    }

    int units() {
        return units;
    }

    int devices() {
        return devices;
    }

    int hostAddressWidth() {
        return hostAddressWidth;
    }

    int[] widths() {
        return addressWidths.clone();
    }

    long pageSizes() {
        return pageSizes;
    }

    int domainIdBits() {
        return domainIdBits;
    }

    boolean cachingMode() {
        return cachingMode;
    }

    boolean writeBufferFlush() {
        return writeBufferFlush;
    }

    boolean coherent() {
        return coherent;
    }

    int maxAddressMask() {
        return maxAddressMask;
    }

    boolean pageSelective() {
        return pageSelective;
    }

    boolean drains() {
        return drains;
    }

    boolean snoopControl() {
        return snoopControl;
    }

    int faultRecords() {
        return faultRecords;
    }

    int iotlbEntries() {
        return iotlbEntries;
    }

    Replacement replacement() {
        return replacement;
    }

    int pagingStructureEntries() {
        return pagingStructureEntries;
    }

    CacheBehaviour caches() {
        return caches;
    }

    long seed() {
        return seed;
    }

    boolean queueThread() {
        return queueThread;
    }

    boolean sanitizer() {
        return sanitizer;
    }

    Supplier<QueueTrouble> queueTrouble() {
        return queueTrouble;
    }

    Optional<LongConsumer> beforeWalkLoad() {
        return Optional.ofNullable(beforeWalkLoad);
    }

    private EmulatorOptions with(Consumer<EmulatorOptions> change) {
        EmulatorOptions copy = clone();
        change.accept(copy);
        return copy;
    }

    @Override
    protected EmulatorOptions clone() {
        try {
            return (EmulatorOptions) super.clone();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError("it is cloneable", e);
        }
    }

    private static void requireWholePages(String what, long bytes) {
        if (bytes <= 0 || bytes % PhysicalMemory.PAGE_SIZE != 0) {
            throw new IllegalArgumentException(
                    bytes + " bytes of " + what + "; a positive multiple of 4096 is legal");
        }
    }

    private static void requireBetween(String what, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    value + " " + what + "; " + least + " to " + most + " are legal");
        }
    }
}
