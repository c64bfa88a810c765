package org.iommu4j.vtd;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.api.UnitTimeoutException;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.iommu4j.walker.TableAllocator;
import org.jspecify.annotations.Nullable;

/**
 * One remapping unit, under control from {@link #start} to {@link #stop}: the tables it begins its
 * walks with, its invalidation queue, its fault records. It is driven in scalable mode if it can
 * be, and else in legacy mode.
 *
 * <p>What changes the tables that it begins with excludes each other; any thread may call
 * everything else.
 */
final class Unit {

    private static final Logger LOG = LogManager.getLogger(Unit.class);

    private final DiscoveredUnit found;
    private final List<Device> devices;
    private final PhysicalMemory memory;
    private final TableAllocator allocator;
    private final SourceTables tables;
    private final Map<Integer, DeviceTlb> tlbs = new HashMap<>();
    private final PageList pages;
    private final InvalidationQueue queue;
    private final FaultRecords faults;
    private final @Nullable PageRequestRing requests;
    private boolean touched;
    private volatile boolean running;

    /**
     * Prepares to take a unit over; it is not touched.
     *
     * @throws TableMemoryExhaustedException if there are not the pages it takes, three or four;
     *     none is taken then
     */
    Unit(
            DiscoveredUnit found,
            List<Device> devices,
            PhysicalMemory memory,
            TableAllocator allocator,
            CacheFlusher cache,
            Patience patience) {
        this.found = found;
        this.devices = devices;
        this.memory = memory;
        this.allocator = allocator;
        StructureMemory structures = new StructureMemory(memory, allocator, cache);
        boolean scalable = capabilities().isScalable();
        this.tables =
                scalable
                        ? new PasidTables(structures, capabilities())
                        : new ContextTables(structures, capabilities());
        try {
            this.pages = structures.take(capabilities().takesPageRequests() ? 3 : 2);
        } catch (TableMemoryExhaustedException e) {
            tables.free();
            throw e;
        }
        this.queue =
                new InvalidationQueue(
                        found.registers(), memory, pages.get(0), pages.get(1), patience, scalable);
        this.requests =
                capabilities().takesPageRequests()
                        ? new PageRequestRing(found.registers(), memory, pages.get(2))
                        : null;
        this.faults = new FaultRecords(found, devices);
    }

    /**
     * Takes the unit over, whatever firmware left on: from here on it translates, and blocks every
     * device.
     *
     * @throws UnitTimeoutException if it does not answer
     */
    void start() {
        UnitRegisters registers = found.registers();
        touched = true;
        registers.maskInterrupts();
        if (registers.translates()) {
            registers.translate(false);
        }
        if (registers.queues()) {
            queue.endOther();
        }
        faults.forget();
        queue.start();
        registers.rootTable(tables.rootPointer());
        queue.complete(Descriptor.allContexts());
        if (capabilities().isScalable()) {
            queue.complete(Descriptor.allPasids());
        }
        queue.complete(Descriptor.allTranslations(capabilities()));
        if (requests != null) {
            requests.start();
        }
        registers.translate(true);
        if (capabilities().hasProtectedMemory()) {
            registers.unprotectMemory();
        }
        running = true;
        LOG.info(
                "{} is driven in {} mode: {}",
                name(),
                capabilities().isScalable() ? "scalable" : "legacy",
                capabilities());
    }

    /**
     * Leaves the unit quiet, if it was taken over: it neither translates nor works off requests.
     * Then gives its pages back.
     *
     * @throws UnitTimeoutException if it does not answer; no page is given back then
     */
    synchronized void stop() {
        UnitRegisters registers = found.registers();
        if (touched && registers.translates()) {
            registers.translate(false);
        }
        if (touched && registers.queues()) {
            queue.stop();
        }
        if (touched && requests != null) {
            requests.stop();
        }
        running = false;
        freePages();
    }

    private void freePages() {
        tables.free();
        allocator.giveBack(pages);
    }

    /** {@return true from a start to a stop that succeeded} */
    boolean isRunning() {
        return running;
    }

    UnitCapabilities capabilities() {
        return found.capabilities();
    }

    boolean covers(SourceId device) {
        return found.unit().covers(device);
    }

    /**
     * Finds the way of requests through this unit.
     *
     * @param device a device that this unit covers
     * @param pasid the process address space id, or {@link SourceId#NO_PASID}
     * @return the way
     */
    synchronized Route route(SourceId device, int pasid) {
        int requester = device.requester();
        if (capabilities().takesPageRequests() && !tlbs.containsKey(requester)) {
            devices.stream()
                    .filter(known -> known.source().equals(device))
                    .findFirst()
                    .flatMap(Device::translationService)
                    .ifPresent(service ->
                            tlbs.put(requester, new DeviceTlb(this, requester, service)));
        }
        return new Route(this, requester, pasid, tlbs.get(requester));
    }

    /** {@return what the unit is called in messages} */
    String name() {
        return found.registers().unit();
    }

    /**
     * Makes room for a route's entries.
     *
     * @param route whose requests
     * @throws TableMemoryExhaustedException if there are not the pages; nothing has changed
     */
    synchronized void reach(Route route) {
        tables.reach(route);
    }

    /**
     * Sends a route's requests through a domain.
     *
     * @param route a route that is within {@linkplain #reach reach}, and whose requests go nowhere
     *     yet
     * @param domain a domain that fits
     * @throws IommuException if the unit failed; the route has to be detached
     */
    synchronized void attach(Route route, VtdDomain domain) {
        domain.id().join(route);
        memory.fence();
        domain.dirtyBits().requireKept(route);
        List<Descriptor> absent = tables.set(route, domain);
        if (capabilities().cachesAbsentEntries() || capabilities().needsWriteBufferFlush()) {
            absent.forEach(queue::complete);
        }
    }

    /**
     * Lets the device of a route translate for itself and ask for missing pages.
     *
     * @param route a route that is attached, of a device that can
     * @param before what is to be done first, if the device did not do so anyway
     * @throws IommuException if the unit failed; the device does neither, and this has to be turned
     *     off
     */
    synchronized void turnOn(Route route, Runnable before) {
        tlb(route)
                .turnOn(() -> {
                    before.run();
                    tables.serve(route, true).forEach(queue::complete);
                });
    }

    /**
     * Ends what {@link #turnOn} began, unless it was begun for other requests of the device too:
     * then the device holds no translation and asks for nothing when this returns. A unit that was
     * stopped has nothing to forget.
     *
     * @param route the route
     * @throws IommuException if the unit failed; to be called again
     */
    synchronized void turnOff(Route route) {
        tlb(route)
                .turnOff(() -> {
                    if (running) {
                        tables.serve(route, false).forEach(queue::complete);
                    }
                });
    }

    /**
     * Keeps dirty bits in the second-stage tables of a route, or ends that: what the unit and the
     * device held until then is forgotten when this returns. A route that has left the domain
     * meanwhile, perhaps for another, is left as it is.
     *
     * @param route a route that was attached
     * @param id the domain it was attached to
     * @param on true to keep them
     * @throws IommuException if the unit failed
     */
    synchronized void keepDirtyBits(Route route, DomainId id, boolean on) {
        if (running && id.routes().contains(route)) {
            tables.keepDirtyBits(route, id, on).forEach(queue::complete);
            forgetInDevice(route);
        }
    }

    private static DeviceTlb tlb(Route route) {
        DeviceTlb tlb = route.tlb();
        if (tlb == null) {
            throw new IllegalStateException(route + " has no translation service");
        }
        return tlb;
    }

    /**
     * Ends what {@link #attach} began: when this returns, no request of the route goes through the
     * domain any more. May be called again after it failed; a unit that was stopped has nothing to
     * forget.
     *
     * @param route the route
     * @param domain the domain
     * @throws IommuException if the unit failed; the device may still reach the domain's memory
     */
    synchronized void detach(Route route, VtdDomain domain) {
        if (running) {
            tables.clear(route, domain).forEach(queue::complete);
            forgetInDevice(route);
            tables.wipe(route);
        }
        domain.id().leave(route);
    }

    private void forgetInDevice(Route route) {
        DeviceTlb tlb = route.tlb();
        long request = tlb == null ? 0 : tlb.forget(route.pasid());
        if (request != 0) {
            queue.await(request);
        }
    }

    /**
     * Asks the unit to forget something.
     *
     * @param request what
     * @return the request's number
     */
    long submit(Descriptor request) {
        return queue.submit(request);
    }

    /** The same, of a request whose upper half is zero. */
    long submit(long low, long high) {
        return queue.submit(low, high);
    }

    /**
     * Has the unit forget something.
     *
     * @param request what
     * @throws IommuException if it fails
     */
    void complete(Descriptor request) {
        queue.complete(request);
    }

    boolean isDone(long request) {
        return queue.isDone(request);
    }

    void await(long request) {
        queue.await(request);
    }

    /**
     * Takes the page requests that the unit has written down.
     *
     * @param taker gets them, in order
     * @param dropped is called behind them, and before the unit receives any again, if it has
     *     dropped some since the last time
     * @return true if it has
     */
    boolean takePageRequests(Consumer<PageRequestRecord> taker, Runnable dropped) {
        return requests != null && requests.take(taker, dropped);
    }

    /**
     * Waits until every page request that the unit has received is written down. A unit that was
     * stopped receives none.
     *
     * @throws IommuException if the unit fails
     */
    void awaitPageRequests() {
        if (running) {
            queue.complete(Descriptor.drainPageRequests());
        }
    }

    /** {@return the device of a requester id} */
    SourceId source(int requester) {
        return faults.source(requester);
    }

    /** Hands on and clears every recorded fault, in order; returns true if faults were lost. */
    boolean takeFaults(Consumer<? super DmaFault> taker) {
        return faults.take(taker);
    }
}
