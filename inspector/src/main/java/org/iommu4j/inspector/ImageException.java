package org.iommu4j.inspector;

import org.iommu4j.api.IommuException;

/** An image that cannot be read as what it seems to be; the message says what and where. */
public class ImageException extends IommuException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception.
     *
     * @param message what was found and what would have been legal
     */
    public ImageException(String message) {
        super(message);
    }

    /**
     * Makes an exception with a cause.
     *
     * @param message what was found
     * @param cause why
     */
    public ImageException(String message, Throwable cause) {
        super(message, cause);
    }
}
