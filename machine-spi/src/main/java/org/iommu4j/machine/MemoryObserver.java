package org.iommu4j.machine;

/**
 * Sees every access to a {@link PhysicalMemory} before it happens, and may delay it, record it or
 * fail it by throwing.
 *
 * <p>This is how tests step an engine through every intermediate state of memory, schedule threads
 * one access at a time, inject failures, and model a processor cache that the hardware does not
 * snoop. The methods are called by the accessing thread, on that thread, in program order. An
 * observer that reads the memory itself does so through an unobserved view ({@link
 * PhysicalMemory#unobserved()}).
 */
public interface MemoryObserver {

    /**
     * A word is about to be read.
     *
     * @param address its physical address, in bytes
     */
    default void beforeLoad(long address) {}

    /**
     * A word is about to be stored. A bulk fill is announced word by word.
     *
     * @param address its physical address, in bytes
     * @param value what will be there
     */
    default void beforeStore(long address, long value) {}

    /**
     * A word is about to be compared and exchanged.
     *
     * @param address its physical address, in bytes
     * @param expected what must be there for the exchange to happen
     * @param value what will be there then
     */
    default void beforeExchange(long address, long expected, long value) {}

    /**
     * Lines of the processor's cache are about to be written back to memory.
     *
     * @param address the first byte
     * @param bytes how many bytes
     */
    default void beforeWriteBack(long address, long bytes) {}

    /** A fence is about to order the stores and write-backs before it with everything after it. */
    default void beforeFence() {}

    /**
     * A word of the {@link PageLedger} is about to be read, exchanged or stored.
     *
     * @param page the physical address of the page it belongs to
     */
    default void beforeLedger(long page) {}

    /**
     * The thread found something held by another thread and is about to look again. A stepping
     * scheduler must let another thread run here.
     */
    default void spin() {}
}
