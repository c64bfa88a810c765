package org.iommu4j.machine;

/**
 * What lets a device translate before it does DMA (PCI Express, Address Translation Services): it
 * asks the remapping unit for translations, keeps them in a TLB of its own until software
 * invalidates them, and, where it has a page request interface, asks software for a page that is
 * missing and waits instead of failing. Off until software turns it on.
 *
 * <p>Any thread may call any method.
 */
public interface TranslationService {

    /** {@return true if the device can ask for missing pages (Page Request Interface)} */
    boolean requestsPages();

    /**
     * {@return how many invalidations of its TLB the device can have before it, 1 to 32 (ATS
     * capability)}
     */
    int invalidationQueueDepth();

    /**
     * Turns it on. The device must be allowed to use it in the tables that its requests go through.
     *
     * @param pageRequests the most page requests without an answer, 0 for none: translations only
     * @throws IllegalArgumentException if page requests are wanted and the device has none, or the
     *     number is negative
     */
    void enable(int pageRequests);

    /**
     * Turns it off: when this returns, the device holds no translation, and asks for none and for
     * no page. DMA that waits for a page goes on at once as it would without the service. An answer
     * that comes later is ignored. Idempotent.
     */
    void disable();
}
