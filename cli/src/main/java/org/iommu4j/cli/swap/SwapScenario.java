package org.iommu4j.cli.swap;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Sanitizer;

/**
 * The founding scenario: a VM's memory is mapped with large pages, its devices do DMA, and the host
 * takes 4 KiB pages away and brings them back. Each strategy runs on a machine of its own, from the
 * same seed.
 */
public final class SwapScenario {
    private static final int USUAL_WIDTH = 48;
    private static final int FINDINGS_SHOWN = 3;
    private static final Duration LOOK = Duration.ofMillis(20);

    private final SwapSettings settings;
    private final Machines machines;
    private final BiFunction<String, IommuOptions, Iommu> iommus;
    private volatile boolean interrupted;

    /** How the scenario comes by a machine. */
    @FunctionalInterface
    public interface Machines {
        /**
         * Makes a machine.
         *
         * @param choice its provider's name, with parameters
         * @param bytes its memory
         * @return the machine
         * @throws IllegalArgumentException if there is no such machine
         */
        Machine create(String choice, long bytes);
    }

    /** Hears how far a run is. */
    @FunctionalInterface
    public interface Progress {
        /**
         * Called now and then.
         *
         * @param strategy what is running
         * @param elapsed for how long
         */
        void at(SplitStrategy strategy, Duration elapsed);
    }

    /**
     * Prepares the scenario.
     *
     * @param settings what it runs on
     * @param machines makes machines
     * @param iommus opens a backend, as {@link Iommu#open}
     */
    public SwapScenario(
            SwapSettings settings,
            Machines machines,
            BiFunction<String, IommuOptions, Iommu> iommus) {
        this.settings = settings;
        this.machines = machines;
        this.iommus = iommus;
    }

    /** Ends the run early; what was seen so far is reported. Any thread may call it. */
    public void interrupt() {
        interrupted = true;
    }

    /** {@return whether the run was ended early} */
    public boolean isInterrupted() {
        return interrupted;
    }

    /**
     * Runs a strategy.
     *
     * @param strategy the strategy
     * @param progress hears how far it is
     * @return what was seen
     * @throws IllegalArgumentException if machine, backend or policy cannot do what the settings
     *     say
     */
    public StrategyReport run(SplitStrategy strategy, Progress progress) {
        try (Machine machine =
                machines.create(settings.configuredMachine(), settings.machineMemory())) {
            Run run;
            DomainStatistics statistics;
            IommuOptions options =
                    IommuOptions.on(machine).with(FlushPolicyProvider.class, settings.flush());
            try (Iommu iommu = iommus.apply(settings.backend(), options)) {
                run = new Run(machine, iommu, strategy);
                run.go(progress);
                statistics = run.domain.statistics();
                run.settle();
            }
            return run.report(statistics);
        }
    }

    /** One strategy on one machine. */
    private final class Run {
        private final Machine machine;
        private final SplitStrategy strategy;
        private final WrongData wrongData = new WrongData();
        private final IommuDomain domain;
        private final Frames frames;
        private final Swapper swapper;
        private final List<DeviceTraffic> traffic;
        private double seconds;

        Run(Machine machine, Iommu iommu, SplitStrategy strategy) {
            this.machine = machine;
            this.strategy = strategy;
            SplittableRandom random = new SplittableRandom(settings.seed());
            GuestMemory guest =
                    new GuestMemory(
                            settings.memory(),
                            settings.page(),
                            settings.workingSet(),
                            random.split());
            domain = iommu.createDomain(domainOptions(iommu.capabilities(), guest));
            guest.mapInto(domain);
            PageStates states = new PageStates(guest.pages());
            // The pages of the VM are no tables: nobody needs to see each store to them.
            PhysicalMemory memory = machine.memory().unobserved();
            frames = new Frames(guest, memory, Swapper.sparesFor(guest.pages()), wrongData);
            swapper = new Swapper(guest, states, frames, domain, strategy, random.split());
            List<Device> devices = devices(machine);
            devices.forEach(device -> requireReach(device, guest));
            devices.forEach(device -> iommu.attach(device.source(), domain));
            traffic =
                    IntStream.range(0, devices.size())
                            .mapToObj(number ->
                                    new DeviceTraffic(
                                            devices.get(number),
                                            number,
                                            guest,
                                            states,
                                            wrongData,
                                            random.split()))
                            .toList();
        }

        /** Lets devices and swapper run against each other until the time is over. */
        void go(Progress progress) {
            Crew crew = new Crew();
            long start = System.nanoTime();
            crew.start("swapper", swapper::step, swapper::finish);
            for (int i = 0; i < traffic.size(); i++) {
                crew.start("device " + i, traffic.get(i)::step, () -> {});
            }
            Duration elapsed = Duration.ZERO;
            while (!interrupted
                    && !crew.isStopped()
                    && elapsed.compareTo(settings.duration()) < 0) {
                pause(settings.duration().minus(elapsed));
                elapsed = Duration.ofNanos(System.nanoTime() - start);
                progress.at(strategy, elapsed);
            }
            crew.end();
            seconds = (System.nanoTime() - start) / 1e9;
        }

        /** Looks at everything once more, now that all is back and nobody works. */
        void settle() {
            traffic.forEach(DeviceTraffic::readAll);
            frames.check();
        }

        StrategyReport report(DomainStatistics statistics) {
            Histogram latency = traffic.getFirst().latency().copy();
            traffic.stream().skip(1).forEach(each -> latency.add(each.latency()));
            List<String> firstWrong = new ArrayList<>(wrongData.first());
            machine.sanitizer()
                    .ifPresent(sanitizer ->
                            sanitizer.findings().stream()
                                    .limit(FINDINGS_SHOWN)
                                    .forEach(finding -> firstWrong.add(finding.toString())));
            return new StrategyReport(
                    strategy,
                    seconds,
                    traffic.stream().mapToLong(DeviceTraffic::dmas).sum(),
                    traffic.stream().mapToLong(DeviceTraffic::expectedFaults).sum(),
                    traffic.stream().mapToLong(DeviceTraffic::spuriousFaults).sum(),
                    wrongData.count(),
                    swapper.swaps(),
                    swapper.madeWhole(),
                    machine.sanitizer().map(Sanitizer::count).orElse(0L),
                    machine.sanitizer().isPresent(),
                    statistics,
                    latency,
                    firstWrong);
        }

        private List<Device> devices(Machine on) {
            List<Device> all = on.devices();
            if (all.size() < settings.devices()) {
                throw new IllegalArgumentException(
                        "--devices "
                                + settings.devices()
                                + ": the machine \""
                                + settings.machine()
                                + "\" has "
                                + all.size());
            }
            return all.subList(0, settings.devices());
        }
    }

    private void requireReach(Device device, GuestMemory guest) {
        if (device.addressBits() < Long.SIZE && guest.end() > 1L << device.addressBits()) {
            throw new IllegalArgumentException(
                    "--memory "
                            + MemorySize.text(settings.memory())
                            + ": the device "
                            + device.source()
                            + " has addresses of "
                            + device.addressBits()
                            + " bits; up to "
                            + MemorySize.text(GuestMemory.mostBelow(1L << device.addressBits()))
                            + " is legal with it");
        }
    }

    private DomainOptions domainOptions(Capabilities capabilities, GuestMemory guest) {
        capabilities.require(Feature.ATTACH, "swap");
        if (!capabilities.hasPageSize(settings.page())) {
            throw new IllegalArgumentException(
                    "--page "
                            + MemorySize.text(settings.page())
                            + ": the remapping hardware has no pages of that size");
        }
        List<Integer> widths = capabilities.addressWidths();
        int width = widths.contains(USUAL_WIDTH) ? USUAL_WIDTH : widths.getLast();
        if (guest.end() > 1L << width) {
            throw new IllegalArgumentException(
                    "--memory "
                            + MemorySize.text(settings.memory())
                            + ": the remapping hardware translates addresses of "
                            + width
                            + " bits, "
                            + MemorySize.text(1L << width)
                            + ", and the memory ends 1 GiB behind its size");
        }
        long upToLeaf = (settings.page() << 1) - 1;
        return DomainOptions.defaults()
                .withAddressWidth(width)
                .withPageSizes(capabilities.pageSizes() & upToLeaf);
    }

    private static void pause(Duration atMost) {
        try {
            Thread.sleep(atMost.compareTo(LOOK) < 0 ? atMost : LOOK);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
