package org.iommu4j.inspector;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import org.iommu4j.inspector.Findings.Kind;
import org.iommu4j.machine.SourceId;

/**
 * All translation tables below one root table: which devices there are, what each may reach, and
 * what is wrong.
 *
 * <p>Whatever the memory holds, an inspection ends: no table is walked twice in an address space,
 * and at most four million tables, one million runs and a hundred findings of a kind are kept; what
 * was left out is said. Immutable; any thread may read it while the memory stays open.
 */
public final class Inspection {

    private static final int MAX_DEVICES = 1 << 17;

    private final RootPointer root;
    private final List<DeviceTables> devices;
    private final List<AddressSpace> spaces;
    private final List<Finding> findings;

    private Inspection(
            RootPointer root,
            List<DeviceTables> devices,
            List<AddressSpace> spaces,
            List<Finding> findings) {
        this.root = root;
        this.devices = List.copyOf(devices);
        this.spaces = List.copyOf(spaces);
        this.findings = findings;
    }

    /**
     * Inspects everything below a root table.
     *
     * @param view the memory that the tables are in
     * @param root where the root table is
     * @param hostAddressWidth how many bits a physical address of the machine has, 32 to 52; bits
     *     above it are reserved
     * @param progress hears how many tables were walked
     * @return what was found
     * @throws ImageException if the root table is not in the memory
     * @throws IllegalArgumentException if the width is out of its range
     */
    public static Inspection of(
            PhysicalView view, RootPointer root, int hostAddressWidth, Progress progress) {
        if (hostAddressWidth < 32 || hostAddressWidth > 52) {
            throw new IllegalArgumentException(
                    "a host address width of " + hostAddressWidth + "; 32 to 52 are legal");
        }
        if (!view.holds(root.table(), 4096)) {
            throw new ImageException(
                    "the root table "
                            + Hex.of(root.table())
                            + " is not in the image, which holds "
                            + view.extent());
        }
        return new Work(view, root, hostAddressWidth, progress).run();
    }

    /** {@return where the root table is} */
    public RootPointer root() {
        return root;
    }

    /** {@return every device, and in scalable mode every PASID of it, in order} */
    public List<DeviceTables> devices() {
        return devices;
    }

    /** {@return the sets of tables, each once, in the order of the devices that use them first} */
    public List<AddressSpace> spaces() {
        return spaces;
    }

    /** {@return what a reader should know, worst first} */
    public List<Finding> findings() {
        return findings;
    }

    /** {@return whether a finding is an error} */
    public boolean hasErrors() {
        return findings.stream().anyMatch(finding -> finding.severity() == Severity.ERROR);
    }

    /** An inspection while it is made. */
    private static final class Work {
        private final PhysicalView view;
        private final RootPointer root;
        private final int hostAddressWidth;
        private final Progress progress;
        private final Findings findings = new Findings();
        private final TableLedger ledger = new TableLedger();
        private final AtomicInteger roomForRuns = new AtomicInteger(RunList.MAX_RUNS);
        private final Map<SpaceKey, AddressSpace> spaces = new LinkedHashMap<>();
        private final List<DeviceTables> devices = new ArrayList<>();

        Work(PhysicalView view, RootPointer root, int hostAddressWidth, Progress progress) {
            this.view = view;
            this.root = root;
            this.hostAddressWidth = hostAddressWidth;
            this.progress = progress;
        }

        Inspection run() {
            new DeviceScan(view, root, ledger, findings, this::device).run();
            List<AddressSpace> walked = List.copyOf(spaces.values());
            if (ledger.exhausted()) {
                findings.add(
                        Kind.LIMIT,
                        "there are more than "
                                + TableLedger.MAX_TABLES
                                + " tables, or address spaces share tables more than "
                                + TableLedger.MAX_RETURNS
                                + " times; the rest was not walked",
                        "all devices");
            }
            new CrossChecks(devices, walked, ledger, findings).run();
            return new Inspection(root, devices, walked, findings.list());
        }

        private void device(SourceId device, OptionalInt pasid, TableUse use) {
            if (devices.size() == MAX_DEVICES) {
                if (findings.wants(Kind.DEVICES)) {
                    findings.put(
                            Kind.DEVICES,
                            "more than "
                                    + MAX_DEVICES
                                    + " devices and PASIDs; from this one on they were left out",
                            DeviceTables.deviceName(device));
                }
                return;
            }
            boolean translated = use.translation() != Translation.PASS_THROUGH;
            String name =
                    DeviceTables.deviceName(device)
                            + (pasid.isPresent() ? " pasid " + pasid.getAsInt() : "");
            String users = "domain " + use.domainId() + " (" + name + ")";
            boolean shares = false;
            Optional<AddressSpace> space = Optional.empty();
            if (translated) {
                SpaceKey key =
                        new SpaceKey(
                                root.mode(),
                                use.translation(),
                                VtdTables.format(use.translation(), use.levels()),
                                use.root(),
                                users);
                shares = spaces.containsKey(key);
                space = Optional.of(spaces.computeIfAbsent(key, this::walk));
            }
            if (use.translation() == Translation.NESTED) {
                findings.add(
                        Kind.NESTED,
                        "nested translation: the second stage is walked; the first stage belongs to"
                                + " the guest",
                        users);
            }
            devices.add(
                    new DeviceTables(
                            device,
                            pasid,
                            use.translation(),
                            use.levels(),
                            use.root(),
                            use.domainId(),
                            shares,
                            space));
        }

        private AddressSpace walk(SpaceKey key) {
            SpaceCounts counts = new SpaceCounts(key, roomForRuns, findings, progress);
            new TableWalker(view, key, hostAddressWidth, ledger, spaces.size(), findings)
                    .walk(counts);
            return new AddressSpace(view, key, counts);
        }
    }
}
