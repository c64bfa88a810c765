package org.iommu4j.cli;

/**
 * Ends a command with exit code 2: bad usage, or input that cannot be read. The message is the one
 * line to print.
 */
final class CommandFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CommandFailure(String message) {
        super(message);
    }

    CommandFailure(String message, Throwable cause) {
        super(message, cause);
    }

    /** What somebody below found wrong with what the user wrote. */
    static CommandFailure of(IllegalArgumentException e) {
        String message = e.getMessage();
        return new CommandFailure(message == null ? e.toString() : message, e);
    }
}
