package org.iommu4j.machine;

import java.io.Serial;

/**
 * A machine cannot be started, or has gone away while it was used. The message says what happened,
 * and what to do about it where that is known.
 */
public final class MachineFailureException extends IllegalStateException {

    @Serial private static final long serialVersionUID = 1L;

    /**
     * Says what happened.
     *
     * @param message what
     */
    public MachineFailureException(String message) {
        super(message);
    }

    /**
     * Says what happened, and why.
     *
     * @param message what
     * @param cause why
     */
    public MachineFailureException(String message, Throwable cause) {
        super(message, cause);
    }
}
