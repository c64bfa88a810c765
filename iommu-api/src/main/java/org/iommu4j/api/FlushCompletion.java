package org.iommu4j.api;

/**
 * When an unmapped range is unmapped for the devices too: from completion on, and only then, may
 * its memory or its I/O virtual addresses be used for something else.
 *
 * <p>A completion covers every unit, and every domain id under which the domain is attached. A wait
 * that a unit aborted is no completion. Any thread may call any method.
 */
public interface FlushCompletion {

    /** A completion that has happened. */
    FlushCompletion DONE =
            new FlushCompletion() {
                @Override
                public boolean isDone() {
                    return true;
                }

                @Override
                public void await() {}

                @Override
                public void whenDone(Runnable action) {
                    action.run();
                }
            };

    /** {@return true if it has happened} */
    boolean isDone();

    /**
     * Waits until it has happened.
     *
     * @throws IommuException if a unit failed so that it cannot happen
     */
    void await();

    /**
     * Runs an action when it has happened: now, on this thread, if it has, else on the thread that
     * completes it.
     *
     * @param action what to run; must be short and must not wait
     */
    void whenDone(Runnable action);
}
