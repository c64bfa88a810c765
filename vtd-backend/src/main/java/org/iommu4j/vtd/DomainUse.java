package org.iommu4j.vtd;

/** Counts what is attached to a domain, which is not closed meanwhile. Any thread may call. */
final class DomainUse {

    private final DomainId id;
    private int attachments;
    private boolean closing;

    DomainUse(DomainId id) {
        this.id = id;
    }

    /**
     * Something is about to be attached.
     *
     * @throws IllegalStateException if the domain is closed
     */
    synchronized void enter() {
        requireOpen();
        attachments++;
    }

    /** Something that had {@linkplain #enter entered} is detached. */
    synchronized void leave() {
        attachments--;
    }

    /**
     * Lets nothing enter any more.
     *
     * @throws IllegalStateException if something is attached
     */
    synchronized void close() {
        if (attachments > 0) {
            throw new IllegalStateException(
                    "the domain with the id 0x"
                            + Integer.toHexString(id.value())
                            + " has "
                            + attachments
                            + (attachments == 1 ? " device" : " devices")
                            + " attached; close the attachments first");
        }
        closing = true;
    }

    /**
     * Requires that the domain is open.
     *
     * @throws IllegalStateException if it is not
     */
    synchronized void requireOpen() {
        if (closing) {
            throw new IllegalStateException("the domain is closed");
        }
    }
}
