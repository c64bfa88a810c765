package org.iommu4j.cli.migrate;

import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.cli.vm.Crew;
import org.iommu4j.cli.vm.DeviceTraffic;
import org.iommu4j.cli.vm.Faults;
import org.iommu4j.cli.vm.GuestMemory;
import org.iommu4j.cli.vm.PageStates;
import org.iommu4j.cli.vm.Passthrough;
import org.iommu4j.cli.vm.VmSettings;
import org.iommu4j.cli.vm.WrongData;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.Sanitizer;

/** One migration: a VM on a machine of its own, its devices, and the copy of its memory. */
final class MigrationRun {
    private static final int FINDINGS_SHOWN = 3;
    private static final long LOOK_MILLIS = 20;

    private final Duration longest;
    private final Machine machine;
    private final long granularity;
    private final GuestMemory guest;
    private final IommuDomain domain;
    private final Destination destination;
    private final List<DeviceTraffic> traffic = new ArrayList<>();
    private final List<HotPages> hotPages = new ArrayList<>();
    private final WrongData wrongData = new WrongData();
    private final WrongData wrongCopies = new WrongData();
    private final Convergence convergence;
    private final BitSet dirty;
    private final List<Long> copied = new ArrayList<>();
    private long writes;
    private double seconds;
    private double stoppedMillis;
    private long differingPages;
    private MigrationReport.TablePages tables = new MigrationReport.TablePages(0, 0, 0);

    /**
     * Maps the VM's memory and attaches its devices.
     *
     * @param settings the VM
     * @param machine a machine of its own
     * @param iommu who drives its units; closed by the caller
     * @param granularity at which writes are told apart, in bytes
     * @throws IllegalArgumentException if machine or backend cannot do what the settings say
     */
    MigrationRun(VmSettings settings, Machine machine, Iommu iommu, long granularity) {
        this.machine = machine;
        this.granularity = granularity;
        longest = settings.duration();
        SplittableRandom random = new SplittableRandom(settings.seed());
        guest =
                new GuestMemory(
                        settings.memory(), settings.page(), settings.memory(), random.split());
        Passthrough passthrough = new Passthrough(settings, guest);
        List<Device> devices = passthrough.devices(machine);
        iommu.capabilities().require(Feature.DIRTY_TRACKING, "migrate");
        domain = iommu.createDomain(passthrough.domainOptions(iommu.capabilities(), "migrate"));
        guest.mapInto(domain);
        PageStates present = new PageStates(guest.pages());
        for (Device device : devices) {
            iommu.attach(device.source(), domain);
            traffic.add(
                    new DeviceTraffic(
                            device,
                            traffic.size(),
                            guest,
                            present,
                            Faults.FATAL,
                            wrongData,
                            random.split()));
            hotPages.add(new HotPages(guest.pages(), random.split()));
        }
        // The pages of the VM are no tables: nobody needs to see each load of them.
        destination = new Destination(guest, machine.memory().unobserved());
        convergence = new Convergence(guest.pages());
        dirty = new BitSet(guest.pages());
    }

    /**
     * Copies while devices write, stops them for the last round, and compares.
     *
     * @param interrupted says that the devices are to be stopped at once
     * @param progress hears after each round for how long they have been writing
     */
    void go(BooleanSupplier interrupted, Consumer<Duration> progress) {
        long before = domain.statistics().tablePages();
        try (DirtyTracking tracking =
                domain.trackDirty(new DirtyOptions(granularity, false, true))) {
            Crew crew = new Crew();
            long start;
            long stopped;
            try {
                startDevices(crew);
                start = System.nanoTime();
                copyWhileDevicesWrite(tracking, start, interrupted, progress);
            } finally {
                stopped = System.nanoTime();
                crew.end();
            }
            readDirty(tracking);
            copyDirty();
            seconds = (stopped - start) / 1e9;
            stoppedMillis = (System.nanoTime() - stopped) / 1e6;
        }
        writes = traffic.stream().mapToLong(DeviceTraffic::dmas).sum();
        differingPages = destination.differingPages(wrongCopies);
        traffic.forEach(DeviceTraffic::readAll);
        DomainStatistics after = domain.statistics();
        tables = new MigrationReport.TablePages(before, after.peakTablePages(), after.tablePages());
    }

    /** Returns when every device writes. */
    private void startDevices(Crew crew) {
        List<CountDownLatch> writing = new ArrayList<>();
        for (int i = 0; i < traffic.size(); i++) {
            DeviceTraffic device = traffic.get(i);
            HotPages pages = hotPages.get(i);
            CountDownLatch writes = new CountDownLatch(1);
            writing.add(writes);
            crew.start(
                    "device " + i,
                    () -> {
                        device.write(pages.next());
                        writes.countDown();
                    },
                    () -> {});
        }
        try {
            for (CountDownLatch writes : writing) {
                while (!crew.isStopped() && !writes.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
                    // a device that fails stops the crew, and never writes
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The first round copies everything, each further one what was written since the last. */
    private void copyWhileDevicesWrite(
            DirtyTracking tracking,
            long start,
            BooleanSupplier interrupted,
            Consumer<Duration> progress) {
        dirty.set(0, guest.pages());
        Duration elapsed;
        do {
            copyDirty();
            elapsed = Duration.ofNanos(System.nanoTime() - start);
            progress.accept(elapsed);
            readDirty(tracking);
        } while (!interrupted.getAsBoolean()
                && elapsed.compareTo(longest) < 0
                && !convergence.isReachedWith(dirty.cardinality()));
    }

    /**
     * Adds what was written to what is dirty. When the sync has completed, and not before, devices
     * that write again are noticed again: only then is it safe to copy.
     */
    private void readDirty(DirtyTracking tracking) {
        try (IotlbGather gather = domain.gather()) {
            tracking.readAndClear(
                    0,
                    guest.end(),
                    (iova, size) -> {
                        int first = guest.pageAt(iova);
                        dirty.set(first, first + Math.toIntExact(size / GuestMemory.PAGE_SIZE));
                    },
                    gather);
            domain.sync(gather).await();
        }
    }

    private void copyDirty() {
        copied.add(destination.copy(dirty));
        dirty.clear();
    }

    /** {@return what was seen; to be asked for when the Iommu is closed} */
    MigrationReport report() {
        List<String> firstWrong = new ArrayList<>(wrongCopies.first());
        firstWrong.addAll(wrongData.first());
        machine.sanitizer()
                .ifPresent(sanitizer ->
                        sanitizer.findings().stream()
                                .limit(FINDINGS_SHOWN)
                                .forEach(finding -> firstWrong.add(finding.toString())));
        return new MigrationReport(
                granularity,
                copied,
                seconds,
                stoppedMillis,
                writes,
                traffic.stream().mapToLong(DeviceTraffic::spuriousFaults).sum(),
                differingPages,
                wrongData.count(),
                machine.sanitizer().map(Sanitizer::count).orElse(0L),
                machine.sanitizer().isPresent(),
                tables,
                firstWrong);
    }
}
