package org.iommu4j.machine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/*
 * One constant segment over everything: accesses stay monomorphic however many memories, native or mapped, one JVM holds.
 * The bounds check is PhysicalMemory's own.
 */

/** The words of the process, little-endian, by their addresses. */
final class Words {

    @SuppressWarnings("restricted") // every access is checked against the size of a memory
    static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    static final VarHandle WORD =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    /* Every address of a word that a process can have, as a mask: with it the compiler sees for itself that an access is
     * aligned and inside of EVERYTHING, and checks neither again. */
    private static final long ADDRESSES = (Long.MAX_VALUE >>> 1) & -Long.BYTES;

    private Words() {}

    /** Where a word is that is known to be one. */
    static long place(long address) {
        return address & ADDRESSES;
    }
}
