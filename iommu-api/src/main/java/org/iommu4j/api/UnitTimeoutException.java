package org.iommu4j.api;

/**
 * A unit did not answer in time. What was asked of it may or may not happen later: nothing that
 * depends on the answer may be reused.
 */
public final class UnitTimeoutException extends IommuException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes the exception.
     *
     * @param message which wait ended, and what was found instead of what was awaited
     */
    public UnitTimeoutException(String message) {
        super(message);
    }
}
