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
     * @throws IommuException if the hardware tells no more domains apart than there are
     */
    IommuDomain createDomain(DomainOptions options);

    /**
     * Lets a device's DMA go through a domain. A device is on one domain at a time; a domain may
     * have any number of devices, of any units.
     *
     * @param device the device
     * @param domain a domain of this Iommu
     * @return the attachment; closing it detaches the device
     * @throws IllegalArgumentException if the domain is of another Iommu, or no unit covers the
     *     device
     * @throws UnsupportedFeatureException if devices cannot be attached here, or the domain does
     *     not fit the unit; nothing has changed
     * @throws IllegalStateException if the device is attached already, or the domain is closed
     * @throws TableMemoryExhaustedException if there is no page for a context table; nothing has
     *     changed
     * @throws IommuException if the unit failed
     */
    Attachment attach(SourceId device, IommuDomain domain);

    /**
     * Lets a device's DMA under a process address space id go through a domain. Each id of a device
     * has a domain of its own, and so have its requests without an id.
     *
     * @param device the device
     * @param pasid the process address space id, 1 to 0xfffff; 0 stands for requests without one
     *     inside the units
     * @param domain a domain of this Iommu
     * @return the attachment; closing it ends this id of the device
     * @throws IllegalArgumentException if the id is out of that range or has more bits than the
     *     unit or the backend's tables take, the domain is of another Iommu, or no unit covers the
     *     device
     * @throws UnsupportedFeatureException if that cannot be done here, or the domain does not fit
     *     the unit; nothing has changed
     * @throws IllegalStateException if the pair is attached already, or the domain is closed
     * @throws TableMemoryExhaustedException if there is no page for the tables; nothing has changed
     * @throws IommuException if the unit failed
     */
    Attachment attach(SourceId device, int pasid, IommuDomain domain);

    /**
     * Hears of every DMA that was blocked, in the order in which a unit recorded them. A listener
     * is called on a thread of its own; one that throws or blocks stops neither the unit nor
     * another listener, but of more than a few thousand faults that wait for it the newest are
     * dropped.
     *
     * @param listener who hears it
     * @return closing it ends the hearing, after the faults that were recorded before: it waits a
     *     second at most for the listener to hear them
     * @throws UnsupportedFeatureException if there is no hardware that could fault
     */
    AutoCloseable onFault(Consumer<? super DmaFault> listener);

    /** {@return how many blocked DMAs were heard of} */
    default FaultCounts faultCounts() {
        return FaultCounts.NONE;
    }

    /**
     * Answers devices' requests for missing pages, those of domains with {@link
     * DomainOptions#withPageRequests}. Each request of a group is handled, one after another; the
     * group is answered once, with the worst of its answers. Groups are handled side by side: a
     * handler that does not return delays its own group only, while fewer than a few hundred groups
     * wait like it; beyond that requests stay with the unit. What the handler or the executor
     * throws is logged and counts as failure. While nobody answers, requests fail.
     *
     * @param executor where the handler runs
     * @param handler who answers
     * @return closing it ends the answering: requests that come later are answered with failure,
     *     those that the handler has are answered as it says
     * @throws UnsupportedFeatureException if no unit can take requests
     * @throws IllegalStateException if there is a handler already
     */
    AutoCloseable onPageRequest(Executor executor, PageRequestHandler handler);

    /**
     * Detaches every device, drains every flush, frees every page, and leaves the hardware quiet.
     * Idempotent.
     */
    @Override
    void close();
}
