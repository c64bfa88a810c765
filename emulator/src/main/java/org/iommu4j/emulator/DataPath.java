package org.iommu4j.emulator;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Moves bytes between memory and the buffers of devices. What lies in one aligned word of 8 bytes
 * is moved whole, and a write of a part of a word leaves the rest as it is, whoever writes there.
 * Any thread may call any method.
 */
final class DataPath {

    private static final int WORD = Long.BYTES;
    private static final VarHandle BUFFER_WORD =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final PhysicalMemory memory;
    private final long size;

    DataPath(PhysicalMemory memory) {
        this.memory = memory;
        this.size = memory.size();
    }

    /** {@return true if there is memory at an address} */
    boolean reaches(long physical) {
        return physical < size;
    }

    /**
     * Reads bytes; the buffer's position moves behind them.
     *
     * @param physical where the first is
     * @param target where they go
     * @param count how many; they lie in one page
     */
    void read(long physical, ByteBuffer target, int count) {
        int position = target.position();
        int end = position + count;
        long at = physical;
        while (position < end) {
            int inWord = (int) at & WORD - 1;
            if (inWord == 0 && end - position >= WORD) {
                BUFFER_WORD.set(target, position, memory.loadAcquire(at));
                position += WORD;
                at += WORD;
            } else {
                int part = Math.min(WORD - inWord, end - position);
                long word = memory.loadAcquire(at - inWord) >>> inWord * Byte.SIZE;
                for (int i = 0; i < part; i++) {
                    target.put(position + i, (byte) (word >>> i * Byte.SIZE));
                }
                position += part;
                at += part;
            }
        }
        target.position(position);
    }

    /**
     * Writes bytes; the buffer's position moves behind them.
     *
     * @param physical where the first goes
     * @param data what is written
     * @param count how many bytes of it; they lie in one page
     */
    void write(long physical, ByteBuffer data, int count) {
        int position = data.position();
        int end = position + count;
        long at = physical;
        while (position < end) {
            int inWord = (int) at & WORD - 1;
            if (inWord == 0 && end - position >= WORD) {
                memory.storeRelease(at, (long) BUFFER_WORD.get(data, position));
                position += WORD;
                at += WORD;
            } else {
                int part = Math.min(WORD - inWord, end - position);
                writePart(at - inWord, inWord, data, position, part);
                position += part;
                at += part;
            }
        }
        data.position(position);
    }

    /**
     * Adds to a word.
     *
     * @param physical where it is; a multiple of 8
     * @param addend what is added
     * @return what was there
     */
    long fetchAndAdd(long physical, long addend) {
        while (true) {
            long seen = memory.loadAcquire(physical);
            if (memory.compareAndExchange(physical, seen, seen + addend) == seen) {
                return seen;
            }
        }
    }

    private void writePart(long word, int inWord, ByteBuffer data, int position, int count) {
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes |= (data.get(position + i) & 0xffL) << i * Byte.SIZE;
        }
        int shift = inWord * Byte.SIZE;
        long mask = (1L << count * Byte.SIZE) - 1 << shift;
        while (true) {
            long seen = memory.loadAcquire(word);
            long wanted = seen & ~mask | bytes << shift;
            if (memory.compareAndExchange(word, seen, wanted) == seen) {
                return;
            }
        }
    }
}
