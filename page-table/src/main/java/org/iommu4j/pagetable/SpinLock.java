package org.iommu4j.pagetable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.iommu4j.machine.PhysicalMemory;

/**
 * A lock for a few instructions at a time: one exchange to enter it, and none to leave. It cannot
 * be entered twice.
 */
final class SpinLock {

    private static final VarHandle HELD = held();
    private static final int ROUNDS_BEFORE_PAUSE = 64;
    private static final int PAUSE_NANOS = 1000;

    private final PhysicalMemory memory;
    private volatile boolean held; // changed through HELD

    SpinLock(PhysicalMemory memory) {
        this.memory = memory;
    }

    void enter() {
        for (int round = 0; !HELD.compareAndSet(this, false, true); round++) {
            memory.spin();
            if (round >= ROUNDS_BEFORE_PAUSE) {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    void leave() {
        HELD.setRelease(this, false);
    }

    private static VarHandle held() {
        try {
            return MethodHandles.lookup().findVarHandle(SpinLock.class, "held", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
