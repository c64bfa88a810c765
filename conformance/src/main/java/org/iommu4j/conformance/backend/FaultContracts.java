package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.Access;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FaultCounts;
import org.iommu4j.api.Feature;
import org.iommu4j.api.PageRequest;
import org.iommu4j.api.PageRequestHandler.Response;
import org.iommu4j.conformance.Contract;
import org.iommu4j.machine.Machine;

/** F: faults and page requests. */
final class FaultContracts {

    private static final long LONG_MILLIS = 3000;
    private static final long A_MOMENT_MILLIS = 30;

    private FaultContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.F1,
                        "each blocked DMA is heard of once, with its device, address and direction",
                        FaultContracts::eachFaultIsHeardOnce),
                must(
                        Rule.F1,
                        "of many faults at once, what was not recorded is counted as an overflow",
                        FaultContracts::overflowsAreCounted),
                must(
                        Rule.F2,
                        "a device that asks for a page asks once, and goes on when it is there",
                        FaultContracts::pageRequestsAreAnsweredOnce),
                must(
                        Rule.F3,
                        "faults are heard, and calls return, beside listeners that throw and block",
                        FaultContracts::badListenersStopNothing));
    }

    /** Hears faults, and waits for them. */
    private static final class Ear {

        private final List<DmaFault> heard = new ArrayList<>();

        synchronized void hear(DmaFault fault) {
            heard.add(fault);
            notifyAll();
        }

        synchronized List<DmaFault> heard() {
            return List.copyOf(heard);
        }

        /** Waits until there are as many; false if that takes long. */
        synchronized boolean awaits(int count) throws InterruptedException {
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LONG_MILLIS);
            while (heard.size() < count && System.nanoTime() < end) {
                wait(100);
            }
            return heard.size() >= count;
        }
    }

    private static void eachFaultIsHeardOnce(Trial trial) throws Exception {
        trial.require(Feature.FAULT_REPORTING);
        Bus bus = trial.bus();
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        Ear ear = new Ear();
        try (AutoCloseable listening = trial.iommu().onFault(ear::hear)) {
            trial.evidence.note("listening by " + listening.getClass().getSimpleName());
            for (int i = 0; i < 12; i++) {
                long iova = trial.place() + trial.random.nextInt(1000) * trial.page();
                boolean write = i % 2 == 0;
                if (write) {
                    bus.write(0, iova, 1);
                } else {
                    bus.read(0, iova, new long[1]);
                }
                boolean came = ear.awaits(i + 1);
                trial.evidence.require(
                        came, () -> "nobody heard that a DMA at " + Hex.of(iova) + " was blocked");
                requireFault(trial, ear.heard().get(i), bus, iova, write);
            }
            TimeUnit.MILLISECONDS.sleep(A_MOMENT_MILLIS);
        }
        List<DmaFault> heard = ear.heard();
        trial.evidence.require(
                heard.size() == 12,
                () -> "12 DMAs were blocked, and " + heard.size() + " were heard of: " + heard);
    }

    private static void requireFault(
            Trial trial, DmaFault fault, Bus bus, long iova, boolean write) {
        trial.evidence.require(
                fault.source().equals(bus.source(0))
                        && fault.iova() == iova
                        && fault.write() == write
                        && !fault.reason().isBlank(),
                () ->
                        "a "
                                + (write ? "write" : "read")
                                + " at "
                                + Hex.of(iova)
                                + " by "
                                + bus.source(0)
                                + " was blocked, and what was heard is: "
                                + fault);
    }

    private static void overflowsAreCounted(Trial trial) throws Exception {
        trial.require(Feature.FAULT_REPORTING);
        Bus bus = trial.bus();
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        int blocked = 400;
        Ear ear = new Ear();
        try (AutoCloseable listening = trial.iommu().onFault(ear::hear)) {
            trial.evidence.note("listening by " + listening.getClass().getSimpleName());
            long base = trial.place();
            for (int i = 0; i < blocked; i++) {
                bus.read(0, base + i * trial.page(), new long[1]);
            }
        }
        FaultCounts counts = trial.iommu().faultCounts();
        int heard = ear.heard().size();
        trial.evidence.note(heard + " heard; " + counts);
        trial.evidence.require(
                heard + counts.dropped() == counts.recorded() && heard > 0,
                () ->
                        counts.recorded()
                                + " faults were recorded, and "
                                + heard
                                + " heard: "
                                + counts);
        boolean told = counts.recorded() == blocked || counts.overflows() > 0;
        if (!told && trial.machine().flatMap(Machine::sanitizer).isEmpty()) {
            throw trial.evidence.skip(
                    "the unit recorded "
                            + counts.recorded()
                            + " of "
                            + blocked
                            + " faults of one device without an overflow; it may fold them, and nobody"
                            + " here knows whether this one does");
        }
        trial.evidence.require(
                told,
                () ->
                        blocked
                                + " DMAs were blocked, "
                                + counts.recorded()
                                + " recorded, and no overflow was counted");
    }

    private static void pageRequestsAreAnsweredOnce(Trial trial) throws Exception {
        trial.require(Feature.PAGE_REQUESTS);
        Bus bus = trial.bus();
        int device = asking(trial, bus);
        long page = trial.page();
        long frames = bus.frames(page);
        NotedDomain domain = trial.domain(DomainOptions.defaults().withPageRequests(true));
        trial.iommu().attach(bus.source(device), domain.itself());
        List<PageRequest> asked = Collections.synchronizedList(new ArrayList<>());
        long base = trial.place();
        try (AutoCloseable answering =
                trial.iommu()
                        .onPageRequest(
                                Runnable::run,
                                request -> {
                                    asked.add(request);
                                    if (domain.translate(request.iova()) == -1) {
                                        domain.map(
                                                request.iova() & -page,
                                                frames,
                                                page,
                                                Access.READ_WRITE);
                                    }
                                    return Response.SUCCESS;
                                })) {
            trial.evidence.note("answering by " + answering.getClass().getSimpleName());
            for (int i = 0; i < 6; i++) {
                bus.poke(frames, 0x60 + i);
                long iova = base + i * page;
                bus.requireRead(device, iova, 0x60 + i, "which it may ask for");
                requireAskedOnce(trial, List.copyOf(asked), base, iova);
                bus.requireRead(device, iova, 0x60 + i, "which is there now");
            }
        }
    }

    /** A group may hold more than one request; a device that asks ahead may ask again too. */
    private static void requireAskedOnce(
            Trial trial, List<PageRequest> asked, long base, long iova) {
        boolean ahead = asked.stream().anyMatch(each -> each.iova() < base || each.iova() > iova);
        long times = asked.stream().filter(each -> each.last() && each.iova() == iova).count();
        trial.evidence.require(
                ahead || times == 1,
                () ->
                        "a device used "
                                + Hex.of(iova)
                                + ", which was missing, once; the handler was asked "
                                + times
                                + " times: "
                                + asked);
    }

    /** The first device that can ask for pages. */
    private static int asking(Trial trial, Bus bus) {
        for (int i = 0; i < bus.devices(); i++) {
            if (bus.device(i).translationService().filter(s -> s.requestsPages()).isPresent()) {
                return i;
            }
        }
        throw trial.evidence.skip("no device of the machine can ask for pages");
    }

    private static void badListenersStopNothing(Trial trial) throws Exception {
        trial.require(Feature.FAULT_REPORTING);
        Bus bus = trial.bus();
        long page = trial.page();
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        CountDownLatch end = new CountDownLatch(1);
        Ear ear = new Ear();
        AutoCloseable throwing =
                trial.iommu()
                        .onFault(fault -> {
                            throw new IllegalStateException("the kit's listener throws");
                        });
        AutoCloseable blocking = trial.iommu().onFault(fault -> await(end));
        try (AutoCloseable listening = trial.iommu().onFault(ear::hear)) {
            trial.evidence.note("listening by " + listening.getClass().getSimpleName());
            Rival work =
                    Rival.starts(
                            "DMA, map and unmap beside a listener that blocks",
                            () -> {
                                boolean hears = true;
                                for (int i = 0; i < 20 && hears; i++) {
                                    long iova = trial.place();
                                    bus.read(0, iova, new long[1]);
                                    domain.map(iova, trial.output(), page, Access.READ);
                                    domain.unmap(iova, page);
                                    hears = hears(ear, i + 1);
                                }
                            });
            work.join(trial.evidence);
            int heard = ear.heard().size();
            trial.evidence.require(
                    heard == 20,
                    () ->
                            "beside listeners that throw and block, of 20 faults only "
                                    + heard
                                    + " were heard");
        } finally {
            end.countDown();
            throwing.close();
            blocking.close();
        }
    }

    private static boolean hears(Ear ear, int count) {
        try {
            return ear.awaits(count);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
