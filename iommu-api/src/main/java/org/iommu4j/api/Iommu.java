package org.iommu4j.api;

import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.iommu4j.machine.Providers;
import org.iommu4j.machine.SourceId;

/**
 * The remapping hardware of a machine under a backend's control, or page tables alone.
 *
 * <p>Any thread may call any method. Closing it detaches every device, waits for the hardware, and
 * frees every page.
 */
public interface Iommu extends AutoCloseable {

    /**
     * Opens a backend.
     *
     * @param backend its name, such as {@code "vtd"}
     * @param options on what, and with which policies
     * @return the Iommu, which the caller closes
     * @throws IllegalArgumentException if there is no backend of that name (the message lists those
     *     found), or an option is not legal
     * @throws IommuException if the hardware cannot be brought up
     */
    static Iommu open(String backend, IommuOptions options) {
        return Providers.choose(IommuProvider.class, "backend", providers(), backend).open(options);
    }

    /** {@return every backend found, highest rank first, then by name} */
    static List<IommuProvider> providers() {
        return Providers.sorted(ServiceLoader.load(IommuProvider.class));
    }

    /** {@return the name of the backend} */
    String backend();

    /** {@return what this backend can do on this hardware} */
    Capabilities capabilities();

    /**
     * Makes an empty domain.
     *
     * @param options how
     * @return the domain, which the caller closes
     * @throws IllegalArgumentException if an option is not legal here
     * @throws UnsupportedFeatureException if an option needs a feature that is missing
     * @throws TableMemoryExhaustedException if there is no page for the root table
     */
    IommuDomain createDomain(DomainOptions options);

    /**
     * Lets a device's DMA go through a domain.
     *
     * @param device the device
     * @param domain a domain of this Iommu
     * @return the attachment; closing it detaches the device
     * @throws UnsupportedFeatureException if devices cannot be attached here, or the domain does
     *     not fit the unit
     * @throws IllegalStateException if the device is attached already
     */
    Attachment attach(SourceId device, IommuDomain domain);

    /**
     * Lets a device's DMA under a process address space id go through a domain.
     *
     * @param device the device
     * @param pasid the process address space id, 0 to 0xfffff
     * @param domain a domain of this Iommu
     * @return the attachment
     * @throws UnsupportedFeatureException if that cannot be done here
     * @throws IllegalStateException if the pair is attached already
     */
    Attachment attach(SourceId device, int pasid, IommuDomain domain);

    /**
     * Hears of every DMA that was blocked, in order. A listener that throws or blocks does not stop
     * the unit.
     *
     * @param listener who hears it
     * @return closing it ends the hearing
     * @throws UnsupportedFeatureException if there is no hardware that could fault
     */
    AutoCloseable onFault(Consumer<? super DmaFault> listener);

    /**
     * Answers devices' requests for missing pages.
     *
     * @param executor where the handler runs
     * @param handler who answers
     * @return closing it ends the answering; later requests are answered with failure
     * @throws UnsupportedFeatureException if no unit can take requests
     */
    AutoCloseable onPageRequest(Executor executor, PageRequestHandler handler);

    /**
     * Detaches every device, drains every flush, frees every page, and leaves the hardware quiet.
     * Idempotent.
     */
    @Override
    void close();
}
