package org.iommu4j.pagetable;

import java.util.Arrays;
import java.util.function.LongUnaryOperator;

/**
 * What a thread has looked at since its last spin but one: what it was, and what the thread knew
 * then.
 */
final class Looks {

    private long[] places = new long[64];
    private long[] values = new long[64];
    private long[] histories = new long[64];
    private int size;
    private int old;

    void clear() {
        size = 0;
        old = 0;
    }

    /** Notes a look. */
    void add(long place, long value, long history) {
        if (size == places.length) {
            places = Arrays.copyOf(places, 2 * size);
            values = Arrays.copyOf(values, 2 * size);
            histories = Arrays.copyOf(histories, 2 * size);
        }
        places[size] = place;
        values[size] = value;
        histories[size++] = history;
    }

    /** True if something is not any more what it was. */
    boolean anyChanged(LongUnaryOperator valueNow) {
        for (int i = 0; i < size; i++) {
            if (valueNow.applyAsLong(places[i]) != values[i]) {
                return true;
            }
        }
        return false;
    }

    /**
     * What the thread knew when it was about to look at a place the last time; {@code otherwise} if
     * it never was.
     */
    long historyAt(long place, long otherwise) {
        for (int i = size - 1; i >= 0; i--) {
            if (places[i] == place) {
                return histories[i];
            }
        }
        return otherwise;
    }

    /** After a spin: keeps what was looked at since the spin before. */
    void forgetOld() {
        int kept = size - old;
        System.arraycopy(places, old, places, 0, kept);
        System.arraycopy(values, old, values, 0, kept);
        System.arraycopy(histories, old, histories, 0, kept);
        size = kept;
        old = kept;
    }
}
