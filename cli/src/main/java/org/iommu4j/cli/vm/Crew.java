package org.iommu4j.cli.vm;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Threads that repeat a step until they are told to stop, or one of them fails: then all stop, and
 * the failure is thrown where the crew is ended.
 */
public final class Crew {
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile boolean stopped;

    /** Makes an empty crew. */
    public Crew() {}

    /**
     * Starts a thread.
     *
     * @param name its name
     * @param step what it repeats
     * @param last what it does when it has stopped
     */
    public void start(String name, Runnable step, Runnable last) {
        Thread thread = Thread.ofPlatform().name(name).daemon().unstarted(() -> work(step, last));
        threads.add(thread);
        thread.start();
    }

    /** {@return whether somebody has told the crew to stop, or failed} */
    public boolean isStopped() {
        return stopped;
    }

    /** Tells the crew to stop. */
    public void stop() {
        stopped = true;
    }

    /**
     * Stops, and waits for all.
     *
     * @throws RuntimeException what one of them failed with
     */
    public void end() {
        stop();
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join(TimeUnit.SECONDS.toMillis(1));
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        Throwable thrown = failure.get();
        if (thrown instanceof RuntimeException exception) {
            throw exception;
        }
        if (thrown instanceof Error error) {
            throw error;
        }
    }

    private void work(Runnable step, Runnable last) {
        try {
            while (!stopped) {
                step.run();
            }
            last.run();
        } catch (RuntimeException | Error e) {
            failure.compareAndSet(null, e);
            stopped = true;
        }
    }
}
