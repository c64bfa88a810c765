package org.iommu4j.api;

/** An operation needs a feature that this backend or unit does not have; nothing has changed. */
public final class UnsupportedFeatureException extends IommuException {

    private static final long serialVersionUID = 1L;

    private final Feature feature;

    /**
     * Makes the exception.
     *
     * @param feature the missing feature
     * @param what what was asked for, in a few words
     */
    public UnsupportedFeatureException(Feature feature, String what) {
        super(what + ": the feature " + feature + " is missing");
        this.feature = feature;
    }

    /** {@return the missing feature} */
    public Feature feature() {
        return feature;
    }
}
