package org.iommu4j.cli.swap;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.PageRequest;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.cli.vm.Crew;
import org.iommu4j.cli.vm.DeviceTraffic;
import org.iommu4j.cli.vm.Faults;
import org.iommu4j.cli.vm.GuestMemory;
import org.iommu4j.cli.vm.PageStates;
import org.iommu4j.cli.vm.Passthrough;
import org.iommu4j.cli.vm.WrongData;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.TranslationService;

/** One strategy on one machine: a VM's memory, its devices, and the host that swaps. */
final class StrategyRun {
    private static final int FINDINGS_SHOWN = 3;
    private static final Duration LOOK = Duration.ofMillis(20);

    private final SwapSettings settings;
    private final Machine machine;
    private final SplitStrategy strategy;
    private final Faults faults;
    private final SwapIn swapIn;
    private final WrongData wrongData = new WrongData();
    private final AtomicLong pageRequests = new AtomicLong();
    private final IommuDomain domain;
    private final Frames frames;
    private final GuestMemory guest;
    private final Swapper swapper;
    private final List<DeviceTraffic> traffic;
    private final Optional<StrategyTimeline> timeline;
    private double seconds;
    private final DomainStatistics before;
    private DomainStatistics statistics;
    private DomainStatistics after;

    /**
     * Maps the VM's memory and attaches its devices.
     *
     * @param settings what it runs on
     * @param machine a machine of its own
     * @param iommu who drives its units; closed by the caller
     * @param strategy how pages are taken
     * @param sampled whether what happens over time is kept
     * @throws IllegalArgumentException if machine or backend cannot do what the settings say
     */
    StrategyRun(
            SwapSettings settings,
            Machine machine,
            Iommu iommu,
            SplitStrategy strategy,
            boolean sampled) {
        this.settings = settings;
        this.machine = machine;
        this.strategy = strategy;
        SplittableRandom random = new SplittableRandom(settings.vm().seed());
        guest =
                new GuestMemory(
                        settings.vm().memory(),
                        settings.vm().page(),
                        settings.workingSet(),
                        random.split());
        Passthrough passthrough = new Passthrough(settings.vm(), guest);
        List<Device> devices = passthrough.devices(machine);
        faults = faults(iommu.capabilities(), devices);
        swapIn = swapIn();
        domain =
                iommu.createDomain(
                        passthrough
                                .domainOptions(iommu.capabilities(), "swap")
                                .withPageRequests(faults == Faults.RECOVERABLE));
        guest.mapInto(domain);
        PageStates states = new PageStates(guest.pages());
        // The pages of the VM are no tables: nobody needs to see each store to them.
        PhysicalMemory memory = machine.memory().unobserved();
        frames = new Frames(guest, memory, Swapper.sparesFor(guest.pages()), wrongData);
        boolean merges =
                strategy == SplitStrategy.HITLESS && iommu.capabilities().has(Feature.COALESCE);
        swapper =
                new Swapper(
                        guest, states, frames, domain, strategy, swapIn, merges, random.split());
        devices.forEach(device -> iommu.attach(device.source(), domain));
        traffic =
                IntStream.range(0, devices.size())
                        .mapToObj(number ->
                                new DeviceTraffic(
                                        devices.get(number),
                                        number,
                                        guest,
                                        states,
                                        faults,
                                        wrongData,
                                        random.split()))
                        .toList();
        before = domain.statistics();
        timeline = sampled ? Optional.of(new StrategyTimeline(before)) : Optional.empty();
        statistics = before;
        after = before;
    }

    /**
     * Lets devices and swapper run against each other until the time is over; then brings all back
     * and looks at it once more.
     *
     * @param iommu who hears page requests
     * @param interrupted says that it is to end early
     * @param progress hears the time that has passed
     */
    void go(Iommu iommu, BooleanSupplier interrupted, Consumer<Duration> progress) {
        if (faults == Faults.FATAL) {
            race(interrupted, progress);
            return;
        }
        try (ExecutorService handlers = Executors.newVirtualThreadPerTaskExecutor();
                Answering _ = Answering.of(iommu.onPageRequest(handlers, this::answer))) {
            race(interrupted, progress);
        }
    }

    private PageRequestHandler.Response answer(PageRequest request) {
        pageRequests.incrementAndGet();
        int page = guest.pageAt(request.iova());
        if (page < 0) {
            return PageRequestHandler.Response.INVALID;
        }
        swapper.comeBack(page);
        return PageRequestHandler.Response.SUCCESS;
    }

    private void race(BooleanSupplier interrupted, Consumer<Duration> progress) {
        Crew crew = new Crew();
        long start = System.nanoTime();
        crew.start("swapper", swapper::step, swapper::finish);
        for (int i = 0; i < traffic.size(); i++) {
            crew.start("device " + i, traffic.get(i)::step, () -> {});
        }
        Duration elapsed = Duration.ZERO;
        while (!interrupted.getAsBoolean()
                && !crew.isStopped()
                && elapsed.compareTo(settings.vm().duration()) < 0) {
            pause(settings.vm().duration().minus(elapsed));
            elapsed = Duration.ofNanos(System.nanoTime() - start);
            progress.accept(elapsed);
            long nanos = elapsed.toNanos();
            timeline.ifPresent(samples -> sample(samples, nanos));
        }
        crew.end();
        long nanos = System.nanoTime() - start;
        seconds = nanos / 1e9;
        statistics = domain.statistics();
        timeline.ifPresent(samples -> {
            sample(samples, nanos);
            samples.end();
        });
        swapper.heal();
        after = domain.statistics();
        traffic.forEach(DeviceTraffic::readAll);
        frames.check();
    }

    private void sample(StrategyTimeline samples, long nanos) {
        samples.at(nanos, traffic, swapper.swaps(), pageRequests.get(), domain.statistics());
    }

    /** {@return what was seen; to be asked for when the Iommu is closed} */
    StrategyReport report() {
        List<String> firstWrong = new ArrayList<>(wrongData.first());
        machine.sanitizer()
                .ifPresent(sanitizer ->
                        sanitizer.findings().stream()
                                .limit(FINDINGS_SHOWN)
                                .forEach(finding -> firstWrong.add(finding.toString())));
        return new StrategyReport(
                strategy,
                faults,
                swapIn,
                seconds,
                traffic.stream().mapToLong(DeviceTraffic::dmas).sum(),
                traffic.stream().mapToLong(DeviceTraffic::expectedFaults).sum(),
                traffic.stream().mapToLong(DeviceTraffic::spuriousFaults).sum(),
                pageRequests.get(),
                wrongData.count(),
                swapper.swaps(),
                swapper.madeWhole(),
                machine.sanitizer().map(Sanitizer::count).orElse(0L),
                machine.sanitizer().isPresent(),
                statistics,
                new StrategyReport.Tables(before, swapper.worst(), after),
                together(DeviceTraffic::latency),
                together(DeviceTraffic::faultService),
                timeline,
                firstWrong);
    }

    private Histogram together(Function<DeviceTraffic, Histogram> each) {
        Histogram all = each.apply(traffic.getFirst()).copy();
        traffic.stream().skip(1).forEach(other -> all.add(each.apply(other)));
        return all;
    }

    /** What the user chose; else recoverable where units and devices can. */
    private Faults faults(Capabilities capabilities, List<Device> devices) {
        boolean can =
                capabilities.has(Feature.PAGE_REQUESTS)
                        && devices.stream()
                                .allMatch(device ->
                                        device.translationService()
                                                .filter(TranslationService::requestsPages)
                                                .isPresent());
        Faults chosen = settings.faults().orElse(can ? Faults.RECOVERABLE : Faults.FATAL);
        if (chosen == Faults.RECOVERABLE && !can) {
            throw new IllegalArgumentException(
                    "--faults recoverable: units or devices of the machine \""
                            + settings.vm().machine()
                            + "\" have no page requests");
        }
        return chosen;
    }

    private SwapIn swapIn() {
        SwapIn usual = faults == Faults.RECOVERABLE ? SwapIn.ON_FAULT : SwapIn.EAGER;
        SwapIn chosen = settings.swapIn().orElse(usual);
        if (chosen == SwapIn.ON_FAULT && faults == Faults.FATAL) {
            throw new IllegalArgumentException(
                    "--swap-in on-fault: faults are fatal here, and no device asks for a page");
        }
        return chosen;
    }

    private static void pause(Duration atMost) {
        try {
            Thread.sleep(atMost.compareTo(LOOK) < 0 ? atMost : LOOK);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Page requests are answered until this is closed. */
    private interface Answering extends AutoCloseable {
        static Answering of(AutoCloseable registration) {
            return () -> {
                try {
                    registration.close();
                } catch (RuntimeException e) {
                    throw e;
                } catch (Exception e) {
                    throw new IllegalStateException("page requests are answered on and on", e);
                }
            };
        }

        @Override
        void close();
    }
}
