package org.iommu4j.api;

/**
 * The root of everything that can go wrong at run time in this framework. Mistakes in arguments are
 * {@link IllegalArgumentException}, a closed object is {@link IllegalStateException}.
 */
public class IommuException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception.
     *
     * @param message what went wrong, with the offending values in hex and what would have been
     *     legal
     */
    public IommuException(String message) {
        super(message);
    }

    /**
     * Makes an exception with a cause.
     *
     * @param message what went wrong
     * @param cause why
     */
    public IommuException(String message, Throwable cause) {
        super(message, cause);
    }
}
