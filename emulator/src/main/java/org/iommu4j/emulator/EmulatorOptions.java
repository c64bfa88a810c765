package org.iommu4j.emulator;

import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/**
 * What an {@link EmulatedMachine} is made of: how much memory, which devices, how large the caches
 * of its remapping units are, and what these can do.
 *
 * <p>Immutable: each method that sets something returns a copy. Any thread may call any method.
 */
public final class EmulatorOptions extends UnitOptions implements Cloneable {

    private static final long LEAST_TABLE_MEMORY = 64L << 20;
    private static final int MOST_UNITS = 16;
    private static final int MOST_DEVICES = 128;

    /* Written before the object is given away, never after: see with(). */
    private long memory = 1L << 30;
    private long tableMemory;
    private int units = 1;
    private int devices = 2;
    private int hostAddressWidth = 46;
    private int iotlbEntries = 4096;
    private Replacement replacement = Replacement.OLDEST;
    private int pagingStructureEntries = 256;
    private CacheBehaviour caches = CacheBehaviour.ORDINARY;
    private long seed = 1;
    private boolean queueThread;
    private boolean sanitizer = true;
    private @Nullable MemoryObserver walkObserver;
    private Supplier<QueueTrouble> queueTrouble = () -> QueueTrouble.NONE;

    private EmulatorOptions() {}

    /**
     * {@return 1 GiB of memory, one unit with every width and page size of both stages of scalable
     * mode, coherent, two devices that can ask for missing pages, and the sanitizer on}
     */
    public static EmulatorOptions defaults() {
        return new EmulatorOptions();
    }

    /** {@return the same with a unit that has legacy mode only, and devices that just do DMA} */
    public static EmulatorOptions legacy() {
        return defaults().scalable(false).pageRequests(false);
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
     * Sets who sees the accesses of a unit's walks to tables before they happen, on the thread that
     * walks: so tests act between two accesses of one walk, or let other threads act there. A walk
     * loads words of root, context, PASID and page tables, and exchanges entries of page tables to
     * set accessed and dirty bits. An invalidation does not wait for a walk that is being held
     * here; it begins again afterwards.
     *
     * @param observer sees loads and exchanges
     * @return a copy with it
     */
    public EmulatorOptions walkObserver(MemoryObserver observer) {
        Objects.requireNonNull(observer, "observer");
        return with(copy -> copy.walkObserver = observer);
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

    Optional<MemoryObserver> walkObserver() {
        return Optional.ofNullable(walkObserver);
    }

    private EmulatorOptions with(Consumer<EmulatorOptions> change) {
        EmulatorOptions copy = copy();
        change.accept(copy);
        return copy;
    }

    @Override
    EmulatorOptions copy() {
        return clone();
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
}
