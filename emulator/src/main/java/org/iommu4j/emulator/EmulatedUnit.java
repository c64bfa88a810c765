package org.iommu4j.emulator;

import org.iommu4j.emulator.PageRequestQueue.Receipt;
import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * A remapping unit: its parts, put together. Units share nothing but memory. The last of a machine
 * covers every bus that no other does.
 */
final class EmulatedUnit implements RemappingUnit {

    private static final long FIRST_ADDRESS = 0xfed9_0000L;
    private static final int VERSION = 0x10;

    private final int index;
    private final boolean isLast;
    private final int mostPasids;
    private final Registers registers;
    private final InFlight inFlight = new InFlight();
    private final TranslationCaches caches;
    private final Translator translator;
    private final InvalidationQueue queue;
    private final EmulatorOptions options;
    private final CommandRegister commands;
    private final Endpoints endpoints;
    private final PageRequestQueue pageRequests;
    private final @Nullable Audit audit;

    /**
     * Makes a unit.
     *
     * @param options the machine's options
     * @param index which of its units
     * @param memory all memory, for queues
     * @param oversight how tables are seen, and who listens
     */
    EmulatedUnit(EmulatorOptions options, int index, PhysicalMemory memory, Oversight oversight) {
        this.index = index;
        this.options = options;
        this.audit = oversight.audit();
        this.endpoints = new Endpoints(this::isTranslating, audit);
        this.isLast = index == options.units() - 1;
        TableViews views = oversight.views();
        Dice dice = dice(options, index);
        Capabilities capabilities = new Capabilities(options);
        this.mostPasids = options.scalable() ? 1 << options.pasidBits() : 0;
        this.caches = new TranslationCaches(options, views, oversight.audit(), dice);
        Invalidations invalidations = new Invalidations(caches, inFlight, options.drains());
        EventRegisters faultEvent = new EventRegisters(0x38);
        EventRegisters queueEvent = new EventRegisters(0xa0);
        EventRegisters pageEvent = new EventRegisters(PageRequestQueue.END);
        this.pageRequests = new PageRequestQueue(memory, pageEvent, audit, dice);
        FaultRecords faults = new FaultRecords(options.faultRecords(), faultEvent, this::goOn);
        this.queue =
                new InvalidationQueue(
                        options,
                        memory,
                        capabilities,
                        invalidations,
                        endpoints,
                        pageRequests,
                        faults,
                        queueEvent);
        RootPointer rootPointer = new RootPointer(options.scalable());
        this.commands =
                new CommandRegister(
                        rootPointer, views, options.writeBufferFlush(), queue, endpoints::stop);
        WalkLoads loads = new WalkLoads(options, views, caches, inFlight);
        this.translator =
                new Translator(
                        capabilities,
                        commands,
                        new SourceLookup(capabilities, rootPointer, caches, loads, audit),
                        new PageLookup(capabilities, caches, loads, audit, dice),
                        caches,
                        inFlight,
                        faults,
                        audit,
                        dice);
        this.registers = new Registers(FIRST_ADDRESS + (long) index * Registers.BYTES);
        claimConstants(capabilities);
        registers.claim(CommandRegister.OFFSET, 8, commands);
        registers.claim(RootPointer.OFFSET, 8, rootPointer);
        registers.claim(FaultRecords.STATUS, 4, faults);
        registers.claim(0x38, EventRegisters.BYTES, faultEvent);
        claimQueues(queueEvent, pageEvent);
        InvalidationCommands direct = new InvalidationCommands(capabilities, invalidations, queue);
        registers.claim(InvalidationCommands.CONTEXT, 8, direct);
        registers.claim(Capabilities.IOTLB, 16, direct);
        registers.claim(Capabilities.FAULT_RECORDS, faults.bytes(), faults);
        if (options.queueThread()) {
            queue.startWorker("iommu4j-queue-" + index);
        }
    }

    private void claimConstants(Capabilities capabilities) {
        registers.constant(0, 4, VERSION);
        registers.constant(8, 8, capabilities.capability());
        registers.constant(0x10, 8, capabilities.extended());
    }

    private void claimQueues(EventRegisters queueEvent, EventRegisters pageEvent) {
        registers.claim(
                InvalidationQueue.HEAD, InvalidationQueue.END - InvalidationQueue.HEAD, queue);
        registers.claim(0xa0, EventRegisters.BYTES, queueEvent);
        registers.claim(InvalidationQueue.ERROR_RECORD, 8, queue);
        if (options.pageRequests()) {
            registers.claim(
                    PageRequestQueue.HEAD,
                    PageRequestQueue.END - PageRequestQueue.HEAD,
                    pageRequests);
            registers.claim(PageRequestQueue.END, EventRegisters.BYTES, pageEvent);
        }
    }

    @Override
    public MmioRegion registers() {
        return registers;
    }

    @Override
    public boolean covers(SourceId device) {
        return device.segment() == 0 && (device.bus() == index || isLast && device.bus() > index);
    }

    /** {@return how many process address space ids devices have; 0 if their requests carry none} */
    int mostPasids() {
        return mostPasids;
    }

    /**
     * Makes the translation service of a device of this unit.
     *
     * @param requester requester id
     * @return the service; null if devices have none
     */
    @Nullable AddressTranslation service(int requester) {
        if (!options.pageRequests()) {
            return null;
        }
        AddressTranslation service = new AddressTranslation(requester, options, this, audit);
        endpoints.add(requester, service);
        return service;
    }

    /** Receives a page request. */
    Receipt receive(PageRequest request) {
        int slot = inFlight.begin(caches.generation(), false);
        try {
            if (!translator.admits(request, slot)) {
                return Receipt.REFUSED;
            }
        } finally {
            inFlight.end(slot);
        }
        return pageRequests.receive(request);
    }

    TranslationCaches caches() {
        return caches;
    }

    Translator translator() {
        return translator;
    }

    InFlight inFlight() {
        return inFlight;
    }

    /** Ends the unit's thread. The registers work on. */
    void close() {
        queue.stopWorker();
    }

    /** {@return true if requests are translated} */
    boolean isTranslating() {
        return commands.isTranslating();
    }

    private void goOn() {
        queue.kick();
    }

    private static @Nullable Dice dice(EmulatorOptions options, int index) {
        return options.caches() == CacheBehaviour.DROPS_ANYTHING
                ? new Dice(options.seed() + index)
                : null;
    }
}
