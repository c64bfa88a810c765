package org.iommu4j.emulator;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What a unit of the adversarial kind decides by: numbers from a seed, each used once. With one
 * thread the same seed gives the same decisions. Any thread may call any method.
 */
final class Dice {

    private static final long STEP = 0x9e3779b97f4a7c15L;

    private final AtomicLong state;

    Dice(long seed) {
        this.state = new AtomicLong(seed);
    }

    /** {@return the next number} */
    long next() {
        long z = state.addAndGet(STEP);
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }

    /**
     * Decides.
     *
     * @param times how often, on average, it takes to get a yes
     * @return yes or no
     */
    boolean oneIn(int times) {
        return below(times) == 0;
    }

    /**
     * Chooses.
     *
     * @param bound how many there are to choose from
     * @return one of 0 to {@code bound - 1}
     */
    int below(int bound) {
        return (int) Long.remainderUnsigned(next(), bound);
    }

    /**
     * Lets time pass, as it may anywhere; or not.
     *
     * @param times how often, on average, it takes until some does
     */
    void dawdle(int times) {
        if (oneIn(times)) {
            for (long spins = next() & 1023; spins > 0; spins--) {
                Thread.onSpinWait();
            }
        }
    }
}
