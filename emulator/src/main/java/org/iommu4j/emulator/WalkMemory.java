package org.iommu4j.emulator;

/**
 * The tables as a unit sees them: memory itself where it snoops the processor's cache, else memory
 * as far as it was written back. Any thread may call any method.
 */
interface WalkMemory {

    /**
     * Loads a word.
     *
     * @param address its physical address; a multiple of 8
     * @return its value
     * @throws IndexOutOfBoundsException if there is no such memory
     */
    long load(long address);

    /**
     * Replaces a word if it holds what is expected, atomically.
     *
     * @param address its physical address; a multiple of 8, where there is memory
     * @param expected what must be there
     * @param value what will be there then
     * @return true if the word was replaced
     */
    boolean exchange(long address, long expected, long value);

    /** Software's write buffers are flushed: what was stored before can be seen from now on. */
    default void flushWriteBuffers() {}
}
