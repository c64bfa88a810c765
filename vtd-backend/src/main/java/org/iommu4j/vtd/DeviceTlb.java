package org.iommu4j.vtd;

import java.util.ArrayList;
import java.util.List;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.IommuException;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.TranslationService;

/*
 * A device must be asked to forget whenever it may hold a translation, and never while its service is off: then it does
 * not answer. So turning the service on and off and asking exclude each other. Who changed a page table asks the unit
 * first and this after it. If it finds the service off, its request to the unit stands in the queue before the one that
 * turning on waits for, and a device that begins to translate then finds the new table.
 */

/**
 * The translations that one device keeps (VT-d, Device-TLB): on while a domain of the device takes
 * page requests. Any thread may call any method.
 */
final class DeviceTlb {

    /** How many page requests a device may send before it gets an answer. */
    static final int MOST_PAGE_REQUESTS = 32;

    private static final Logger LOG = LogManager.getLogger(DeviceTlb.class);
    private static final long NOT_ASKED = 0;

    private final Unit unit;
    private final int requester;
    private final TranslationService service;
    private final List<Long> underway = new ArrayList<>();
    private int wanted;
    private boolean on;

    DeviceTlb(Unit unit, int requester, TranslationService service) {
        this.unit = unit;
        this.requester = requester;
        this.service = service;
    }

    /** {@return true if the device can ask for missing pages} */
    boolean requestsPages() {
        return service.requestsPages();
    }

    /**
     * Turns the service on, unless it is on for another process address space id.
     *
     * @param allow makes the unit allow it
     * @throws IommuException if the unit failed; the service is off, and counts as wanted until it
     *     is turned off
     */
    synchronized void turnOn(Runnable allow) {
        wanted++;
        if (!on) {
            allow.run();
            service.enable(MOST_PAGE_REQUESTS);
            on = true;
        }
    }

    /**
     * Turns the service off, unless it is wanted for another process address space id.
     *
     * @param forbid makes the unit forbid it
     * @throws IommuException if the unit failed; the service is off, and counts as wanted until
     *     another call succeeds
     */
    synchronized void turnOff(Runnable forbid) {
        if (wanted == 1) {
            underway.forEach(this::awaitEnd);
            underway.clear();
            service.disable();
            on = false;
            forbid.run();
        }
        wanted--;
    }

    /** A request that failed is over too, and a device whose service is off holds nothing. */
    private void awaitEnd(long request) {
        try {
            unit.await(request);
        } catch (IommuException e) {
            LOG.warn("an invalidation of a device's TLB failed before it was turned off", e);
        }
    }

    /**
     * Asks the device to forget an aligned range, once the unit has done all that it was asked
     * before.
     *
     * @param pasid of which process address space id, or {@link SourceId#NO_PASID}
     * @param iova the first I/O virtual address, in bytes
     * @param order the range is {@code 4096 << order} bytes
     * @return the unit's number of the request; 0 if the device holds nothing
     */
    synchronized long forget(int pasid, long iova, int order) {
        if (!on) {
            return NOT_ASKED;
        }
        underway.removeIf(unit::isDone);
        unit.submit(Descriptor.fence());
        boolean throttles = unit.capabilities().throttlesDevices();
        int depth = service.invalidationQueueDepth();
        Descriptor request =
                pasid == SourceId.NO_PASID
                        ? Descriptor.deviceTlb(requester, throttles, depth, iova, order)
                        : Descriptor.deviceTlbOfPasid(
                                requester, throttles, depth, pasid, iova, order);
        long number = unit.submit(request);
        underway.add(number);
        return number;
    }

    /** Asks the device to forget everything of a process address space id, or without one. */
    long forget(int pasid) {
        return forget(pasid, 0, Descriptor.WHOLE_ORDER);
    }
}
