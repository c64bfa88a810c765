package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import org.iommu4j.inspector.Inspection;
import org.iommu4j.inspector.PhysicalImage;
import org.iommu4j.inspector.Progress;
import org.iommu4j.inspector.RootPointer;
import org.iommu4j.inspector.TableVisitor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class InspectCommandTest {
    @TempDir private Path folder;

    static List<String> images() {
        return Images.names();
    }

    @ParameterizedTest
    @MethodSource("images")
    void realImagesHoldWhatAnIndependentProgramReadOutOfThem(String name) {
        Map<String, String> truth = Images.truth(name);
        Path image = Images.copy(name, folder, false);
        CommandRun run = inspect(image, "--rtaddr", truth.get("rtaddr"), "--json");
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        Map<String, String> json = run.json();
        assertThat(json)
                .containsEntry("mode", truth.get("mode"))
                .containsEntry("rtaddr", truth.get("rtaddr"));
        assertThat(devices(json)).isNotEmpty().isEqualTo(devices(truth));
        assertThat(run.out()).contains("\"findings\":[]");
    }

    @ParameterizedTest
    @MethodSource("images")
    void theRootTableIsFoundAndRanksFirst(String name) {
        Map<String, String> truth = Images.truth(name);
        CommandRun run = inspect(Images.copy(name, folder, true), "--rtaddr", "auto", "--json");
        assertThat(run.exitCode()).isZero();
        assertThat(run.json())
                .containsEntry("rtaddr", truth.get("rtaddr"))
                .containsEntry("rootTables.0.rtaddr", truth.get("rtaddr"));
        assertThat(devices(run.json())).isEqualTo(devices(truth));
    }

    @Test
    void everyLeafIsTheKernelsOwn() {
        List<String> ours = new ArrayList<>();
        try (PhysicalImage image =
                PhysicalImage.open(Images.copy(Images.IOMMUFD, folder, false), Progress.NONE)) {
            Inspection inspection =
                    Inspection.of(image, RootPointer.parse("1ade000"), 52, Progress.NONE);
            inspection.devices().stream()
                    .filter(device -> device.name().equals("00:06.0"))
                    .forEach(device -> device.space().orElseThrow().walk(leaves(ours)));
        }
        List<String> kernels =
                Images.kernelDump().stream()
                        .filter(line -> line.startsWith("iommufd") && line.contains("|"))
                        .map(InspectCommandTest::kernelLeaf)
                        .toList();
        assertThat(ours).hasSize(327).containsExactlyElementsOf(kernels);
    }

    private static TableVisitor leaves(List<String> into) {
        return new TableVisitor() {
            @Override
            public void table(long address, int level, long iova, long entry) {}

            @Override
            public void leaf(long iova, long output, int level, long entry, int rights) {
                into.add(Long.toHexString(iova >>> 12) + " " + Long.toHexString(entry));
            }
        };
    }

    /** The page number and the last entry that is not zero. */
    private static String kernelLeaf(String line) {
        String[] cells = line.split("[\\s|]+", -1);
        long entry =
                Arrays.stream(cells, 2, cells.length)
                        .mapToLong(Long::decode)
                        .filter(value -> value != 0)
                        .reduce(0, (before, last) -> last);
        return Long.toHexString(Long.decode(cells[1])) + " " + Long.toHexString(entry);
    }

    @Test
    void theReportSaysWhatEachDeviceReaches() {
        Path image = Images.copy(Images.IOMMUFD, folder, false);
        CommandRun run = inspect(image, "--rtaddr", "0x1ade000", "--runs", "5");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains("0x1ade000, legacy mode")
                .containsPattern("00:06\\.0 .*second stage, 4 levels +0x1ecd000 +10 +324 +3 +0")
                .containsPattern("00:1f\\.2 .*shares the tables of 00:1f\\.0")
                .contains("0x0000000000001000-0x0000000000101000  0x0000000001000000")
                .contains("domain 5 (00:06.0): 19 runs")
                .contains("and 14 more")
                .contains("0 errors");
        assertThat(inspect(image, "--rtaddr", "0x1ade000", "--summary").out())
                .contains("00:06.0")
                .doesNotContain("contiguous");
    }

    @Test
    void oneTranslationIsExplainedEntryByEntry() {
        Path image = Images.copy(Images.IOMMUFD, folder, false);
        CommandRun run =
                inspect(
                        image,
                        "--rtaddr",
                        "1ade000",
                        "--iova",
                        "0x40001234",
                        "--source",
                        "00:06.0");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains("context table 0x1b53000")
                .contains("domain 5, second stage of 4 levels at 0x1ecd000")
                .contains("leaf of 2 MiB at 0xa00000: R read, W write, PS large page")
                .contains("a read   goes to 0xa01234")
                .contains("a write  goes to 0xa01234");
    }

    @Test
    void aFaultIsExplainedForProgramsToo() {
        Path image = Images.copy(Images.FIRST_STAGE, folder, false);
        CommandRun run =
                inspect(
                        image,
                        "--rtaddr",
                        "0xdea400",
                        "--iova",
                        "0",
                        "--source",
                        "00:04.0",
                        "--json");
        assertThat(run.exitCode()).isZero();
        assertThat(run.json())
                .containsEntry("pasid", "0")
                .containsEntry("steps.3.structure", "PASID entry 0")
                .containsEntry("read.fault", "0x71")
                .containsEntry("write.reason", "first-stage entry not present");
    }

    @Test
    void anImageThatIsCutOffGivesErrors() throws IOException {
        byte[] whole = Files.readAllBytes(Images.copy(Images.IOMMUFD, folder, true));
        Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(whole, 0x1c00000));
        CommandRun run = inspect(cut, "--rtaddr", "0x1ade000", "--json");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.json())
                .containsEntry("findings.0.severity", "error")
                .hasEntrySatisfying(
                        "findings.0.what", what -> assertThat(what).contains("not in the image"))
                .hasEntrySatisfying(
                        "findings.0.where", where -> assertThat(where).contains("domain "));
    }

    @Test
    void gzipIsUnpackedTooAndNothingStaysBehind() throws IOException {
        Path plain = Images.copy(Images.IOMMUFD, folder, true);
        Path packed = folder.resolve("image.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
            Files.copy(plain, out);
        }
        CommandRun run = inspect(packed, "--rtaddr", "0x1ade000", "--json");
        assertThat(devices(run.json())).isEqualTo(devices(Images.truth(Images.IOMMUFD)));
        assertThat(run.json()).containsEntry("format", "raw, unpacked");
    }

    @Test
    void aPageIsWrittenThatNeedsNothingElse() throws IOException {
        Path image = Images.copy(Images.IOMMUFD, folder, true);
        Path page = folder.resolve("tables.html");
        CommandRun run =
                inspect(
                        image,
                        "--rtaddr",
                        "auto",
                        "--html",
                        page.toString(),
                        "--compare",
                        image.toString());
        assertThat(run.exitCode()).isZero();
        assertThat(Files.readString(page))
                .contains("<!doctype html>")
                .contains("00:1f.0, 00:1f.2, 00:1f.3")
                .contains("\"states\":[\"before\",\"after\"]")
                .contains("Copyright 2010-2021 Mike Bostock")
                .doesNotContain("src=\"")
                .doesNotContain("@import");
        assertRefused("cannot write", image, "--rtaddr", "auto", "--html", folder.toString());
        assertRefused("--html", image, "--rtaddr", "auto", "--compare", image.toString());
    }

    @Test
    void badInputIsAnErrorOfOneLine() throws IOException {
        Path image = Images.copy(Images.IOMMUFD, folder, false);
        byte[] packed = Files.readAllBytes(image);
        Path cut = Files.write(folder.resolve("cut.xz"), Arrays.copyOf(packed, 9000));
        Path kdump = file("KDUMP   and more");
        assertRefused("there is no file", folder.resolve("none"), "--rtaddr", "0");
        assertRefused("directory", folder, "--rtaddr", "0");
        assertRefused("is empty", file(""), "--rtaddr", "0");
        assertRefused("cut off", cut, "--rtaddr", "0");
        assertRefused("dump-guest-memory", kdump, "--rtaddr", "0");
        assertRefused("ELF", file("\177ELF but nothing else"), "--rtaddr", "0");
        assertRefused("not in the image", image, "--rtaddr", "0xfffffffffffff000");
        assertRefused("no root-table address", image, "--rtaddr", "nonsense");
        assertRefused("TTM", image, "--rtaddr", "0x1ade800");
        assertRefused("--rtaddr", image);
        assertRefused("belong together", image, "--rtaddr", "auto", "--iova", "0");
        assertRefused("no source id", image, "--rtaddr", "auto", "--iova", "0", "--source", "x");
        assertRefused("host address width", image, "--rtaddr", "auto", "--host-width", "64");
        assertRefused("looks like a root table", file("nothing".repeat(999)), "--rtaddr", "auto");
    }

    private void assertRefused(String why, Path image, String... options) {
        CommandRun run = inspect(image, options);
        assertThat(run.err()).startsWith("iommu4j inspect: ").contains(why);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
    }

    private Path file(String text) throws IOException {
        return Files.writeString(
                Files.createTempFile(folder, "file", ""), text, StandardCharsets.ISO_8859_1);
    }

    private static CommandRun inspect(Path image, String... options) {
        List<String> arguments = new ArrayList<>(List.of("inspect", image.toString()));
        arguments.addAll(List.of(options));
        return CommandRun.of(arguments.toArray(String[]::new));
    }

    private static Map<String, String> devices(Map<String, String> json) {
        Map<String, String> devices = new TreeMap<>(json);
        devices.keySet().removeIf(key -> !key.startsWith("devices."));
        return devices;
    }
}
