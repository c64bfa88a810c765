package org.iommu4j.api;

/** A range cannot be mapped because something is mapped there; nothing has changed. */
public final class MappingConflictException extends IommuException {

    private static final long serialVersionUID = 1L;

    private final transient Mapping existing;

    /**
     * Makes the exception.
     *
     * @param iova the start of the refused range, in bytes
     * @param size its size, in bytes
     * @param existing the first mapping in the way
     */
    public MappingConflictException(long iova, long size, Mapping existing) {
        super(
                "cannot map [0x"
                        + Long.toHexString(iova)
                        + ", 0x"
                        + Long.toHexString(iova + size)
                        + "): "
                        + existing
                        + " is there; unmap it first, or use tryMap");
        this.existing = existing;
    }

    /** {@return the first mapping in the way, as it was at the instant of the decision} */
    public Mapping existing() {
        return existing;
    }
}
