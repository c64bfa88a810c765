package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.IotlbInvalidator;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.iommu4j.vtd.event.InvalidateEvent;
import org.iommu4j.vtd.event.InvalidationWaitEvent;
import org.iommu4j.walker.TableAllocator;

/**
 * All units of an Iommu, perhaps none, as one: an invalidation goes to every unit that has a device
 * on the domain, and its ticket is done when all of them have forgotten. Where there is no such
 * unit there is nothing to forget, and the request is only counted.
 */
@Singleton
final class RemappingUnits implements IotlbInvalidator {

    private final List<DiscoveredUnit> found;
    private final List<Device> devices;
    private final PhysicalMemory memory;
    private final TableAllocator allocator;
    private final CacheFlusher cache;
    private final Patience patience;
    private final DomainIds ids;
    private final int maxOrder;
    private final List<Unit> units = new ArrayList<>();
    private final UnitTickets tickets = new UnitTickets(units);

    @Inject
    RemappingUnits(
            List<DiscoveredUnit> found,
            List<Device> devices,
            UnitLimits limits,
            PhysicalMemory memory,
            TableAllocator allocator,
            CacheFlusher cache,
            Patience patience,
            DomainIds ids) {
        this.found = found;
        this.devices = devices;
        this.maxOrder = limits.maxOrder();
        this.memory = memory;
        this.allocator = allocator;
        this.cache = cache;
        this.patience = patience;
        this.ids = ids;
    }

    /**
     * Takes every unit over; to be called once, before anything else. If one fails, those before it
     * are quiet again.
     *
     * @throws TableMemoryExhaustedException if there are not the pages for it
     * @throws IommuException if a unit does not answer
     */
    void start() {
        try {
            for (DiscoveredUnit unit : found) {
                units.add(new Unit(unit, devices, memory, allocator, cache, patience));
            }
            units.forEach(Unit::start);
        } catch (RuntimeException e) {
            for (Unit unit : units) {
                try {
                    unit.stop();
                } catch (RuntimeException second) {
                    e.addSuppressed(second);
                }
            }
            throw e;
        }
    }

    /** {@return the units; constant once started} */
    List<Unit> all() {
        return units;
    }

    /**
     * Finds the unit that a device's requests pass.
     *
     * @param device the device
     * @return the unit
     * @throws IllegalArgumentException if there is none
     */
    Unit of(SourceId device) {
        for (Unit unit : units) {
            if (unit.covers(device)) {
                return unit;
            }
        }
        throw new IllegalArgumentException(
                "no remapping unit covers "
                        + device
                        + "; the machine's devices are "
                        + devices.stream().map(Device::source).toList());
    }

    @Override
    public long invalidatePages(int domainId, long iova, int order, boolean leafOnly) {
        DomainId id = ids.get(domainId);
        id.counts().countPage();
        InvalidateEvent event = InvalidateEvent.begun();
        long ticket = ask(id, iova, order, leafOnly);
        if (event != null) {
            long size = (long) PhysicalMemory.PAGE_SIZE << order;
            event.ended(domainId, "page", iova, size, leafOnly, ticket);
        }
        return ticket;
    }

    @Override
    public long invalidateDomain(int domainId) {
        DomainId id = ids.get(domainId);
        id.counts().countDomain();
        InvalidateEvent event = InvalidateEvent.begun();
        long ticket = ask(id, 0, Descriptor.WHOLE_ORDER, false);
        if (event != null) {
            event.ended(domainId, "domain", 0, 0, false, ticket);
        }
        return ticket;
    }

    @Override
    public long invalidateGlobal() {
        ids.countGlobal();
        InvalidateEvent event = InvalidateEvent.begun();
        List<Long> asked = new ArrayList<>();
        for (Unit unit : units) {
            if (unit.isRunning()) {
                Descriptor all = Descriptor.allTranslations(unit.capabilities());
                asked.add(tickets.of(unit, unit.submit(all)));
            }
        }
        askDevices(ids.devices(), 0, Descriptor.WHOLE_ORDER, asked);
        long ticket = tickets.all(asked);
        if (event != null) {
            event.ended(0, "global", 0, 0, false, ticket);
        }
        return ticket;
    }

    /** Asks the units first, and then the devices, which find there what they ask for anew. */
    private long ask(DomainId id, long iova, int order, boolean leafOnly) {
        if (!units.isEmpty()) {
            /* A unit that joins the domain after this look finds what was stored before it. */
            VarHandle.fullFence();
        }
        DomainId.Holders holders = id.holders();
        if (holders.tags().size() == 1 && holders.devices().isEmpty()) {
            return ask(holders.tags().getFirst(), iova, order, leafOnly);
        }
        if (holders.tags().isEmpty() && holders.devices().isEmpty()) {
            return UnitTickets.NOBODY;
        }
        List<Long> asked = new ArrayList<>();
        for (IotlbTag tag : holders.tags()) {
            asked.add(ask(tag, iova, order, leafOnly));
        }
        askDevices(holders.devices(), iova, order, asked);
        return tickets.all(asked);
    }

    private long ask(IotlbTag tag, long iova, int order, boolean leafOnly) {
        return tickets.of(tag.unit(), tag.forget(iova, order, leafOnly));
    }

    private void askDevices(List<Route> devices, long iova, int order, List<Long> asked) {
        for (Route route : devices) {
            DeviceTlb tlb = route.tlb();
            if (tlb != null && route.unit().isRunning()) {
                asked.add(tickets.of(route.unit(), tlb.forget(route.pasid(), iova, order)));
            }
        }
    }

    @Override
    public int maxOrder() {
        return maxOrder;
    }

    @Override
    public boolean isDone(long ticket) {
        return tickets.isDone(ticket);
    }

    @Override
    public void await(long ticket) {
        InvalidationWaitEvent event = InvalidationWaitEvent.begun();
        tickets.await(ticket);
        if (event != null && ticket != 0) {
            event.ended(ticket);
        }
    }
}
