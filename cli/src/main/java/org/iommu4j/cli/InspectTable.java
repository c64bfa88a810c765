package org.iommu4j.cli;

import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.iommu4j.inspector.AddressSpace;
import org.iommu4j.inspector.DeviceTables;
import org.iommu4j.inspector.Finding;
import org.iommu4j.inspector.Inspection;
import org.iommu4j.inspector.PhysicalImage;
import org.iommu4j.inspector.RootTables.Candidate;
import org.iommu4j.inspector.Run;
import org.iommu4j.inspector.Severity;

/** What was found in an image, in tables for people. */
final class InspectTable {
    private static final int CANDIDATES_SHOWN = 5;
    private static final int DEVICES_SHOWN = 256;
    private static final int FINDINGS_SHOWN = 40;
    private static final String DEVICE_ROW = "%-14s %6s %7s  %-24s %-14s %7s %10s %8s %6s  %s";
    private static final String RUN_ROW = "  %-37s  %-37s  %10s  %-10s  %s";

    private final PrintStream out;
    private final String name;
    private final PhysicalImage image;
    private final Inspection inspection;

    InspectTable(PrintStream out, String name, PhysicalImage image, Inspection inspection) {
        this.out = out;
        this.name = name;
        this.image = image;
        this.inspection = inspection;
    }

    /** Prints everything, with at most so many runs of each set of tables. */
    void print(List<Candidate> candidates, int runsShown) {
        heading(candidates);
        devices();
        if (runsShown > 0) {
            inspection.spaces().stream()
                    .limit(DEVICES_SHOWN)
                    .forEach(space -> runs(space, runsShown));
        }
        findings();
    }

    private void heading(List<Candidate> candidates) {
        row("image", name + ", " + image.format() + ", " + bytes(image.bytes()));
        image.notes().forEach(note -> row("", note));
        row(
                "root table",
                hex(inspection.root().table())
                        + ", "
                        + inspection.root().mode()
                        + " mode (RTADDR "
                        + inspection.root()
                        + ")");
        candidates.stream().limit(CANDIDATES_SHOWN).forEach(this::candidate);
        if (candidates.size() > CANDIDATES_SHOWN) {
            row("", candidates.size() - CANDIDATES_SHOWN + " more candidates score less");
        }
        row(
                "devices",
                inspection.devices().size()
                        + ", with "
                        + inspection.spaces().size()
                        + " sets of page tables");
    }

    private void candidate(Candidate candidate) {
        row(
                "",
                "candidate "
                        + candidate.root()
                        + ", "
                        + candidate.root().mode()
                        + ": "
                        + candidate.contexts()
                        + " context entries, score "
                        + candidate.score());
    }

    private void devices() {
        out.println();
        line(
                DEVICE_ROW,
                "device",
                "pasid",
                "domain",
                "translation",
                "root",
                "tables",
                "4k",
                "2m",
                "1g",
                "mapped");
        Map<AddressSpace, DeviceTables> owners = new LinkedHashMap<>();
        List<DeviceTables> all = inspection.devices();
        for (DeviceTables device : all.subList(0, Math.min(all.size(), DEVICES_SHOWN))) {
            device.space().ifPresent(space -> owners.putIfAbsent(space, device));
            device(device, owners);
        }
        if (all.size() > DEVICES_SHOWN) {
            out.println(
                    "... and " + number(all.size() - DEVICES_SHOWN) + " more (--json has them)");
        }
    }

    private void device(DeviceTables device, Map<AddressSpace, DeviceTables> owners) {
        String pasid = device.pasid().isPresent() ? "" + device.pasid().getAsInt() : "-";
        String translation =
                device.levels() == 0
                        ? device.translation().toString()
                        : device.translation() + ", " + device.levels() + " levels";
        String bdf = DeviceTables.deviceName(device.device());
        if (device.space().isEmpty()) {
            line(DEVICE_ROW, bdf, pasid, device.domainId(), translation, "", "", "", "", "", "");
            return;
        }
        AddressSpace space = device.space().get();
        DeviceTables owner = owners.getOrDefault(space, device);
        String mapped =
                device.sharesTablesOfEarlierDevice()
                        ? "shares the tables of " + owner.name()
                        : bytes(space.mappedBytes());
        line(
                DEVICE_ROW,
                bdf,
                pasid,
                device.domainId(),
                translation,
                hex(device.root()),
                number(space.tablePages()),
                number(space.leaves().getOrDefault(PageSize.SMALL.bytes(), 0L)),
                number(space.leaves().getOrDefault(PageSize.LARGE.bytes(), 0L)),
                number(space.leaves().getOrDefault(PageSize.HUGE.bytes(), 0L)),
                mapped);
    }

    private void runs(AddressSpace space, int shown) {
        if (space.runs().isEmpty()) {
            return;
        }
        long count = space.runs().size() + space.omittedRuns();
        out.println();
        out.println(
                space.users()
                        + ": "
                        + number(count)
                        + (count == 1 ? " run" : " runs")
                        + " of contiguous translation"
                        + bits(space));
        line(RUN_ROW, "iova", "output address", "size", "access", "leaves");
        for (Run run : space.runs().subList(0, Math.min(shown, space.runs().size()))) {
            line(
                    RUN_ROW,
                    range(run.iova(), run.size()),
                    range(run.outputAddress(), run.size()),
                    bytes(run.size()),
                    run.rightsInWords(),
                    number(run.leaves()));
        }
        if (count > shown) {
            out.println("  ... and " + number(count - shown) + " more (--runs)");
        }
    }

    private static String bits(AddressSpace space) {
        return space.accessed() + space.dirty() == 0
                ? ""
                : "; accessed bit in "
                        + number(space.accessed())
                        + " leaves, dirty bit in "
                        + number(space.dirty());
    }

    private void findings() {
        List<Finding> findings = inspection.findings();
        out.println();
        row(
                "findings",
                String.join(
                        ", ",
                        count(findings, Severity.ERROR),
                        count(findings, Severity.WARNING),
                        count(findings, Severity.NOTE)));
        for (Finding finding : findings.subList(0, Math.min(findings.size(), FINDINGS_SHOWN))) {
            row("  " + finding.severity(), finding.what());
            row("", finding.where());
        }
        if (findings.size() > FINDINGS_SHOWN) {
            row("", "... and " + (findings.size() - FINDINGS_SHOWN) + " more (--json has them)");
        }
    }

    private static String count(List<Finding> findings, Severity severity) {
        long count = findings.stream().filter(finding -> finding.severity() == severity).count();
        return count + " " + severity + (count == 1 ? "" : "s");
    }

    private void row(String name, String value) {
        line("%-11s %s", name, value);
    }

    @SuppressWarnings("AnnotateFormatMethod")
    private void line(String format, Object... cells) {
        out.println(String.format(Locale.ROOT, format, cells).stripTrailing());
    }

    private static String range(long start, long size) {
        return String.format(Locale.ROOT, "0x%016x-0x%016x", start, start + size);
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    private static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    private static String bytes(long count) {
        return count < 1 << 20
                ? number(count >> 10) + " KiB"
                : count < 1 << 30
                        ? String.format(Locale.ROOT, "%,.1f MiB", count / 1048576.0)
                        : String.format(Locale.ROOT, "%,.1f GiB", count / 1073741824.0);
    }
}
