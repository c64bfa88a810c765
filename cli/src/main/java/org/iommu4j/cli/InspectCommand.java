package org.iommu4j.cli;

import jakarta.inject.Inject;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.inspector.Explanation;
import org.iommu4j.inspector.ExplorerPage;
import org.iommu4j.inspector.ImageException;
import org.iommu4j.inspector.Inspection;
import org.iommu4j.inspector.PhysicalImage;
import org.iommu4j.inspector.RootPointer;
import org.iommu4j.inspector.RootTables;
import org.iommu4j.inspector.RootTables.Candidate;
import org.iommu4j.machine.SourceId;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code iommu4j inspect}: the VT-d tables in a dump of a machine's memory. */
@Command(
        name = "inspect",
        description = {
            "Walks the VT-d tables in an image of a machine's physical memory: which devices there"
                    + " are, what each may reach, and what is wrong.",
            "",
            "IMAGE is raw (the offset in the file is the physical address), an ELF core as QEMU's"
                    + " dump-guest-memory and 'virsh dump --memory-only --format=elf' write it, or"
                    + " LiME; plain, .xz or .gz. A plain one is mapped, not read, however large it"
                    + " is.",
            ""
        },
        footer = {
            "",
            "Exit codes: 0 done, 1 there are findings of severity error, 2 bad usage or unreadable"
                    + " input."
        })
final class InspectCommand implements Callable<Integer> {
    private static final Logger LOG = LogManager.getLogger(InspectCommand.class);
    private static final String AUTO = "auto";

    private final Streams streams;

    @Parameters(paramLabel = "IMAGE", description = "The image.")
    private String image = "";

    @Option(
            names = "--rtaddr",
            paramLabel = "HEX",
            required = true,
            description =
                    "The root-table address register (RTADDR), with the mode in bits 11:10; or"
                            + " 'auto': look for root tables and take the best.")
    private String rtaddr = AUTO;

    @Option(
            names = "--iova",
            paramLabel = "HEX",
            description =
                    "Explain how a request of --source to this address is translated, entry by entry,"
                            + " instead of inspecting everything.")
    private Optional<String> iova = Optional.empty();

    @Option(
            names = "--source",
            paramLabel = "BDF",
            description = "The device of --iova, as in 00:02.0.")
    private Optional<String> source = Optional.empty();

    @Option(
            names = "--pasid",
            paramLabel = "N",
            description = "The PASID that the request of --iova carries, if it carries one.")
    private Optional<Integer> pasid = Optional.empty();

    @Option(
            names = "--host-width",
            paramLabel = "BITS",
            defaultValue = "52",
            description =
                    "How many bits a physical address of the machine has, 32 to 52; entries with"
                            + " higher bits have reserved bits set. Default: ${DEFAULT-VALUE}.")
    private int hostWidth = Explanation.ANY_HOST_WIDTH;

    @Option(names = "--summary", description = "Leave out the mappings.")
    private boolean summary;

    @Option(
            names = "--runs",
            paramLabel = "N",
            defaultValue = "20",
            description =
                    "How many runs of contiguous translation to show of each set of tables."
                            + " Default: ${DEFAULT-VALUE}.")
    private int runs = 20;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description =
                    "Also write a page to explore the address spaces in: one file that needs no"
                            + " network.")
    private Optional<Path> html = Optional.empty();

    @Option(
            names = "--compare",
            paramLabel = "IMAGE2",
            description =
                    "With --html: a later image of the same machine; the page shows what changed.")
    private Optional<String> compare = Optional.empty();

    @Option(names = "--json", description = "Print one JSON object instead of tables.")
    private boolean json;

    @Inject
    InspectCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        if (iova.isPresent() != source.isPresent()) {
            throw new CommandFailure(
                    "--iova and --source belong together: whose request, and where");
        }
        if (compare.isPresent() && html.isEmpty()) {
            throw new CommandFailure("--compare is shown in a page; give its name by --html");
        }
        try (InspectProgress progress = new InspectProgress(streams);
                PhysicalImage opened = open(image, progress)) {
            List<Candidate> candidates = candidates(image, opened, progress);
            RootPointer root = root(candidates);
            LOG.debug("inspecting {} ({}) from {}", image, opened.format(), root);
            return iova.isPresent()
                    ? explain(opened, root, progress)
                    : inspect(opened, root, candidates, progress);
        } catch (ImageException e) {
            throw new CommandFailure(String.valueOf(e.getMessage()), e);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.of(e);
        }
    }

    private static PhysicalImage open(String name, InspectProgress progress) {
        try {
            return PhysicalImage.open(Path.of(name), progress);
        } catch (InvalidPathException e) {
            throw new CommandFailure("there is no file " + name, e);
        }
    }

    /** What {@code auto} found; empty if an address was given. */
    private List<Candidate> candidates(
            String name, PhysicalImage opened, InspectProgress progress) {
        if (!rtaddr.toLowerCase(Locale.ROOT).equals(AUTO)) {
            return List.of();
        }
        List<Candidate> found = RootTables.find(opened, progress);
        if (found.isEmpty()) {
            throw new CommandFailure(
                    "nothing in " + name + " looks like a root table; give its --rtaddr");
        }
        return found;
    }

    private RootPointer root(List<Candidate> candidates) {
        return candidates.isEmpty() ? RootPointer.parse(rtaddr) : candidates.getFirst().root();
    }

    private int inspect(
            PhysicalImage opened,
            RootPointer root,
            List<Candidate> candidates,
            InspectProgress progress)
            throws IOException {
        Inspection inspection = Inspection.of(opened, root, hostWidth, progress);
        if (html.isPresent()) {
            writePage(html.get(), opened, inspection, progress);
        }
        progress.close();
        if (json) {
            InspectJson.print(image, opened, candidates, inspection, streams.out());
        } else {
            new InspectTable(streams.out(), image, opened, inspection)
                    .print(candidates, summary ? 0 : runs);
        }
        return inspection.hasErrors() ? 1 : 0;
    }

    private void writePage(
            Path file, PhysicalImage opened, Inspection inspection, InspectProgress progress)
            throws IOException {
        ExplorerPage page =
                new ExplorerPage(
                        String.valueOf(Path.of(image).getFileName()),
                        opened.format()
                                + ", "
                                + inspection.root().mode()
                                + " mode, RTADDR "
                                + inspection.root()
                                + compare.map(later -> ", compared with " + later).orElse(""));
        page.state(compare.isPresent() ? "before" : "now").add(inspection);
        page.findings(inspection.findings());
        if (compare.isPresent()) {
            try (PhysicalImage later = open(compare.get(), progress)) {
                RootPointer root = root(candidates(compare.get(), later, progress));
                page.state("after").add(Inspection.of(later, root, hostWidth, progress));
            }
        }
        try (Writer out = Files.newBufferedWriter(file)) {
            page.write(out);
        } catch (IllegalStateException e) {
            throw new CommandFailure("there are no page tables to show in " + file, e);
        } catch (IOException e) {
            throw new CommandFailure("cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    private int explain(PhysicalImage opened, RootPointer root, InspectProgress progress)
            throws IOException {
        OptionalInt carried = pasid.map(OptionalInt::of).orElse(OptionalInt.empty());
        if (carried.isPresent() && (carried.getAsInt() < 0 || carried.getAsInt() >= 1 << 20)) {
            throw new CommandFailure("--pasid " + carried.getAsInt() + "; 0 to 1048575 are legal");
        }
        Explanation explanation =
                Explanation.of(
                        opened,
                        root,
                        SourceId.parse(source.orElseThrow()),
                        carried,
                        address(iova.orElseThrow()),
                        hostWidth);
        progress.close();
        if (json) {
            InspectJson.print(root, explanation, streams.out());
        } else {
            ExplanationText.print(root, explanation, streams.out());
        }
        return 0;
    }

    private static long address(String text) {
        try {
            return Long.parseUnsignedLong(text.replaceFirst("^0[xX]", ""), 16);
        } catch (NumberFormatException e) {
            throw new CommandFailure(
                    "--iova \"" + text + "\" is no address; hex is legal, as in 0xfee00000", e);
        }
    }
}
