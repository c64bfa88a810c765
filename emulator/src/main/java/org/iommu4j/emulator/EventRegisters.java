package org.iommu4j.emulator;

/**
 * The four registers that say how software is told of an event: control, data, address, upper
 * address. The machine has no interrupt controller: a message that is not masked goes nowhere, one
 * that is masked stays pending. Calls come one at a time.
 */
final class EventRegisters implements RegisterBlock {

    /** What the four registers take. */
    static final int BYTES = 16;

    private static final int MASK = 1 << 31;
    private static final int PENDING = 1 << 30;

    private final int offset;
    private final int[] words = {MASK, 0, 0, 0};

    EventRegisters(int offset) {
        this.offset = offset;
    }

    /** The event happened. */
    synchronized void raise() {
        if ((words[0] & MASK) != 0) {
            words[0] |= PENDING;
        }
    }

    /** Software has seen to the event by itself. */
    synchronized void settle() {
        words[0] &= ~PENDING;
    }

    @Override
    public synchronized int read(int at) {
        return words[(at - offset) / Integer.BYTES];
    }

    @Override
    public synchronized void write(int at, int value) {
        int index = (at - offset) / Integer.BYTES;
        switch (index) {
            case 0 -> words[0] = (value & MASK) != 0 ? MASK | words[0] & PENDING : 0;
            case 1 -> words[1] = value & 0xffff;
            case 2 -> words[2] = value & ~3;
            default -> words[3] = value;
        }
    }
}
