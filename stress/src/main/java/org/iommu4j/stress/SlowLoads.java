package org.iommu4j.stress;

import java.util.concurrent.ThreadLocalRandom;
import org.iommu4j.machine.MemoryObserver;

/**
 * Has a load wait now and then, as if the word were far away, for so long that another thread
 * unmaps a page, frees its table and maps another page with it meanwhile.
 */
final class SlowLoads implements MemoryObserver {

    /* Seldom, for that other thread loads words too. */
    private static final int ONE_OF = 32;
    private static final int SPINS = 256;

    /* Where the threads share a processor, the other one comes in here; that takes long. */
    private static final int ONE_OF_TO_YIELD = 2048;

    @Override
    @SuppressWarnings("ThreadPriorityCheck") // a hint to meet more often; nothing depends on it
    public void beforeLoad(long address) {
        int draw = ThreadLocalRandom.current().nextInt(ONE_OF_TO_YIELD);
        if (draw == 0) {
            Thread.yield();
        } else if (draw % ONE_OF == 0) {
            for (int i = 0; i < SPINS; i++) {
                Thread.onSpinWait();
            }
        }
    }
}
