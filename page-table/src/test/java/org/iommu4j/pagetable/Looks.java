package org.iommu4j.pagetable;

import java.util.Arrays;

/** What a thread has looked at since its last spin but one: until some of it changes, it spins. */
final class Looks {

    /** Tells what stands somewhere now. */
    interface Reader {
        long value(AccessKind kind, long address);
    }

    private AccessKind[] kinds = new AccessKind[64];
    private long[] addresses = new long[64];
    private long[] values = new long[64];
    private long[] histories = new long[64];
    private int size;
    private int old;

    void clear() {
        size = 0;
        old = 0;
    }

    /** The thread saw a value, with this history before. */
    void add(AccessKind kind, long address, long value, long history) {
        if (size == kinds.length) {
            kinds = Arrays.copyOf(kinds, 2 * size);
            addresses = Arrays.copyOf(addresses, 2 * size);
            values = Arrays.copyOf(values, 2 * size);
            histories = Arrays.copyOf(histories, 2 * size);
        }
        kinds[size] = kind;
        addresses[size] = address;
        values[size] = value;
        histories[size++] = history;
    }

    /** Keeps what was looked at between the last two spins. */
    void forgetOld() {
        int kept = size - old;
        System.arraycopy(kinds, old, kinds, 0, kept);
        System.arraycopy(addresses, old, addresses, 0, kept);
        System.arraycopy(values, old, values, 0, kept);
        System.arraycopy(histories, old, histories, 0, kept);
        size = kept;
        old = kept;
    }

    /** The history with which the thread looked there last, or another one if it did not. */
    long historyAt(AccessKind kind, long address, long otherwise) {
        for (int i = size - 1; i >= 0; i--) {
            if (kinds[i] == kind && addresses[i] == address) {
                return histories[i];
            }
        }
        return otherwise;
    }

    /** Whether something that was looked at is another value now. */
    boolean anyChanged(Reader reader) {
        for (int i = 0; i < size; i++) {
            if (reader.value(kinds[i], addresses[i]) != values[i]) {
                return true;
            }
        }
        return false;
    }
}
