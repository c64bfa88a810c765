package org.iommu4j.api;

/**
 * A range ends inside a leaf, and the domain was made to {@link PartialUnmap#REJECT} that; nothing
 * has changed.
 */
public final class PartialUnmapException extends IommuException {

    private static final long serialVersionUID = 1L;

    private final transient Mapping leaf;

    /**
     * Makes the exception.
     *
     * @param iova the start of the refused range, in bytes
     * @param size its size, in bytes
     * @param leaf the leaf that the range covers only in part
     */
    public PartialUnmapException(long iova, long size, Mapping leaf) {
        super(
                "cannot unmap [0x"
                        + Long.toHexString(iova)
                        + ", 0x"
                        + Long.toHexString(iova + size)
                        + "): it covers only a part of "
                        + leaf
                        + ", and this domain rejects that; unmap the whole leaf, cut it"
                        + " first, or make the domain with PartialUnmap.SPLIT");
        this.leaf = leaf;
    }

    /** {@return the leaf that the range covers only in part} */
    public Mapping leaf() {
        return leaf;
    }
}
