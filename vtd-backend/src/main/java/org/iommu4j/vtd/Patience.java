package org.iommu4j.vtd;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.iommu4j.api.UnitTimeoutException;

/**
 * How long a unit may take to answer before it counts as broken: every wait for hardware ends.
 *
 * @param limit the longest wait
 */
record Patience(Duration limit) {

    /** Far longer than any unit takes, so that an answer that comes later never comes. */
    static final Patience USUAL = new Patience(Duration.ofSeconds(10));

    private static final int SPINS = 500;
    private static final long NAP_NANOS = 5_000;

    /**
     * Waits until something has happened.
     *
     * @param happened looks whether it has
     * @param awaited what it is, in words and with the state that was found instead
     * @throws UnitTimeoutException if the limit passes before it has
     */
    void until(BooleanSupplier happened, Supplier<String> awaited) {
        long begin = System.nanoTime();
        for (int looks = 0; !happened.getAsBoolean(); looks++) {
            if (looks < SPINS) {
                Thread.onSpinWait();
            } else if (System.nanoTime() - begin > limit.toNanos()) {
                throw new UnitTimeoutException(
                        "waited " + limit.toMillis() + " ms for " + awaited.get());
            } else {
                LockSupport.parkNanos(NAP_NANOS);
            }
        }
    }
}
