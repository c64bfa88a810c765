package org.iommu4j.emulator;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/**
 * The requests that a unit is working on. A request claims a slot before it looks at any cache and
 * gives it back when its bytes are transferred; so whoever has emptied a cache can wait until
 * nobody uses what was in it.
 *
 * <p>A slot holds the generation of the caches when its request began, and what the request is
 * about. Any thread may call any method.
 */
final class InFlight {

    /* What a request is doing; 0 is a free slot. */
    private static final int READING = 1;
    private static final int WRITING = 2;
    private static final int WALKING = 3;
    private static final int PAUSED = 4;
    private static final int STATE_BITS = 3;
    private static final int STATE = (1 << STATE_BITS) - 1;

    private static final int SPINS = 256;
    private static final long PAUSE_NANOS = 1_000;

    /** How many slots there are. */
    static final int SLOTS = 64;

    /* Longs between two slots, so that threads do not share cache lines. */
    private static final int STRIDE = 16;
    /* Between the slots of threads that were made one after the other, so that neither do objects of theirs; odd. */
    private static final int APART = 37;

    private final AtomicLongArray slots = new AtomicLongArray(SLOTS * STRIDE);

    /**
     * Begins a request: whatever it finds in a cache from now on, {@link #await} waits for.
     *
     * @param generation of the caches
     * @param write true if it may write
     * @return its slot
     */
    int begin(long generation, boolean write) {
        long value = generation << STATE_BITS | (write ? WRITING : READING);
        int slot = ((int) Thread.currentThread().threadId() * APART & SLOTS - 1) * STRIDE;
        while (!slots.compareAndSet(slot, 0, value)) {
            slot = next(slot);
        }
        return slot;
    }

    /** {@return the slot with an index, from 0 to {@link #SLOTS} - 1} */
    static int slot(int index) {
        return index * STRIDE;
    }

    /** {@return the index of a slot} */
    static int index(int slot) {
        return slot / STRIDE;
    }

    /** The request walks tables from now on: its walk is waited for in any case. */
    void walking(int slot) {
        change(slot, WALKING);
    }

    /** The walk does nothing for a while, and must look at the generation when it goes on. */
    void paused(int slot) {
        change(slot, PAUSED);
    }

    /** The request has its translation and transfers bytes. */
    void transferring(int slot, boolean write) {
        change(slot, write ? WRITING : READING);
    }

    /** The request is done. */
    void end(int slot) {
        slots.setRelease(slot, 0);
    }

    /**
     * Waits until no walk that began before a generation is under way, and no transfer, where one
     * is to be drained.
     *
     * @param generation the generation
     * @param reads true if reads are drained
     * @param writes true if writes are drained
     */
    void await(long generation, boolean reads, boolean writes) {
        for (int slot = 0; slot < SLOTS * STRIDE; slot += STRIDE) {
            for (int tries = 0; mustWait(slots.get(slot), generation, reads, writes); tries++) {
                if (tries < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.parkNanos(this, PAUSE_NANOS);
                }
            }
        }
    }

    private static boolean mustWait(long value, long generation, boolean reads, boolean writes) {
        if (value >>> STATE_BITS >= generation) {
            return false;
        }
        return switch ((int) value & STATE) {
            case READING -> reads;
            case WRITING -> writes;
            case WALKING -> true;
            default -> false;
        };
    }

    private void change(int slot, int state) {
        slots.set(slot, slots.getPlain(slot) & ~(long) STATE | state);
    }

    /* Whoever holds a slot may need the processor of whoever waits for one: a virtual thread's. */
    private int next(int slot) {
        int next = (slot + STRIDE) % (SLOTS * STRIDE);
        if (next == 0) {
            LockSupport.parkNanos(this, PAUSE_NANOS);
        }
        return next;
    }
}
