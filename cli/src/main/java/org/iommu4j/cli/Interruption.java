package org.iommu4j.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Lets a command that is ended by Ctrl-C report what it has seen: it is told, and the process waits
 * until it has closed this.
 */
final class Interruption implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 30;

    private final CountDownLatch reported = new CountDownLatch(1);
    private final Thread hook;
    private volatile boolean happened;

    private Interruption(Runnable told) {
        hook = new Thread(() -> tell(told), "interruption");
    }

    /**
     * Waits for the process to be ended from outside.
     *
     * @param told called then, on another thread
     */
    static Interruption calls(Runnable told) {
        Interruption interruption = new Interruption(told);
        Runtime.getRuntime().addShutdownHook(interruption.hook);
        return interruption;
    }

    boolean hasHappened() {
        return happened;
    }

    @Override
    public void close() {
        reported.countDown();
        if (!hook.isAlive()) {
            forget();
        }
    }

    private void forget() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending, and the hook has been told that it need not wait.
        }
    }

    private void tell(Runnable told) {
        happened = true;
        told.run();
        try {
            boolean ignored = reported.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
