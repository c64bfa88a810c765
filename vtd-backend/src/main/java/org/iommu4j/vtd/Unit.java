package org.iommu4j.vtd;

import java.util.List;
import java.util.function.Consumer;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.api.UnitTimeoutException;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.iommu4j.walker.TableAllocator;
import org.jspecify.annotations.Nullable;

/**
 * One remapping unit in legacy mode, under control from {@link #start} to {@link #stop}: the tables
 * it begins its walks with, its invalidation queue, its fault records.
 *
 * <p>{@link #attach} and {@link #detach} exclude each other; any thread may call everything else.
 */
final class Unit {

    private final DiscoveredUnit found;
    private final PhysicalMemory memory;
    private final TableAllocator allocator;
    private final RootTable root;
    private final long ring;
    private final long status;
    private final InvalidationQueue queue;
    private final FaultRecords faults;
    private final @Nullable PageRequestRing requests = null;
    private boolean touched;
    private volatile boolean running;

    /**
     * Prepares to take a unit over; it is not touched.
     *
     * @throws TableMemoryExhaustedException if there are not the three pages it takes; none is
     *     taken then
     */
    Unit(
            DiscoveredUnit found,
            List<Device> devices,
            PhysicalMemory memory,
            TableAllocator allocator,
            CacheFlusher cache,
            Patience patience) {
        this.found = found;
        this.memory = memory;
        this.allocator = allocator;
        this.root = new RootTable(memory, allocator, cache);
        this.ring = allocator.take();
        this.status = ring < 0 ? -1 : allocator.take();
        if (status < 0) {
            freePages();
            throw new TableMemoryExhaustedException(ring < 0 ? 2 : 1, allocator.free());
        }
        this.queue = new InvalidationQueue(found.registers(), memory, ring, status, patience);
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
        registers.rootTable(root.address());
        queue.complete(Descriptor.allContexts());
        queue.complete(Descriptor.allTranslations(capabilities()));
        registers.translate(true);
        if (capabilities().hasProtectedMemory()) {
            registers.unprotectMemory();
        }
        running = true;
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
        running = false;
        freePages();
    }

    private void freePages() {
        root.free();
        if (ring >= 0) {
            allocator.give(ring);
        }
        if (status >= 0) {
            allocator.give(status);
        }
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
     * Holds a domain against what this unit can do.
     *
     * @param domain the domain
     * @throws UnsupportedFeatureException if it does not fit
     */
    void requireFit(VtdDomain domain) {
        String what = "attaching a domain to " + found.registers().unit();
        UnitCapabilities can = capabilities();
        if (!can.walks(domain.levels()) || domain.addressWidth() > can.guestAddressWidth()) {
            throw new UnsupportedFeatureException(
                    Feature.ADDRESS_WIDTH,
                    what
                            + ", which translates "
                            + can.addressWidths()
                            + " bits and not the domain's "
                            + domain.addressWidth());
        }
        if ((domain.pageSizes() & ~can.pageSizes()) != 0) {
            throw new UnsupportedFeatureException(
                    Feature.PAGE_SIZES,
                    what
                            + ", whose page sizes are 0x"
                            + Long.toHexString(can.pageSizes())
                            + ", OR-ed together, and not the domain's 0x"
                            + Long.toHexString(domain.pageSizes()));
        }
    }

    /**
     * Makes room for a device's context entry.
     *
     * @param requester the device
     * @throws TableMemoryExhaustedException if there is no page for a context table; nothing has
     *     changed
     */
    synchronized void reach(int requester) {
        root.reach(requester);
    }

    /**
     * Sends a device's requests through a domain.
     *
     * @param requester a device that is within {@linkplain #reach reach}, and whose requests go
     *     nowhere yet
     * @param domain a domain that fits
     * @throws IommuException if the unit failed; the device has to be detached
     */
    synchronized void attach(int requester, VtdDomain domain) {
        domain.id().join(this);
        memory.fence();
        root.set(requester, domain.root(), domain.levels(), domain.id().value());
        if (capabilities().cachesAbsentEntries() || capabilities().needsWriteBufferFlush()) {
            queue.complete(Descriptor.contextOf(0, requester));
            queue.complete(Descriptor.translationsOf(capabilities(), domain.id().value()));
        }
    }

    /**
     * Ends what {@link #attach} began: when this returns, no request of the device goes through the
     * domain any more. May be called again after it failed; a unit that was stopped has nothing to
     * forget.
     *
     * @param requester the device
     * @param domain the domain
     * @throws IommuException if the unit failed; the device may still reach the domain's memory
     */
    synchronized void detach(int requester, VtdDomain domain) {
        if (running) {
            root.clear(requester);
            queue.complete(Descriptor.contextOf(domain.id().value(), requester));
            queue.complete(Descriptor.translationsOf(capabilities(), domain.id().value()));
            root.wipe(requester);
        }
        domain.id().leave(this);
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
     * @return true if it has dropped some since the last time
     */
    boolean takePageRequests(Consumer<PageRequestRecord> taker) {
        return requests != null && requests.take(taker);
    }

    /**
     * Waits until every page request that the unit has received is written down.
     *
     * @throws IommuException if the unit fails
     */
    void awaitPageRequests() {
        queue.complete(Descriptor.drainPageRequests());
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
