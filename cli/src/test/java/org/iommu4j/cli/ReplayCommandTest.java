package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReplayCommandTest {
    private static final String TRACE =
            Traces.map("a-1", 0x40000000, 0x80000000L, 1 << 21)
                    + Traces.unmap("a-1", 0x40000000, 4096, 1 << 21);

    @TempDir Path folder;

    /**
     * The figures were established by a program of its own, a plain map of pages for each domain.
     */
    @ParameterizedTest
    @CsvSource({
        "iommufd-partial-unmap,    961, 630,   105,   12, 214, 1, 0, 1162768384, 1162670080,"
                + " 1078972416, 24",
        "net-lazy,                 46456, 23343, 23084, 0, 17, 1, 0, 128991232, 110788608, 0, 4444",
        "nvme-rand4k-strict,       96063, 48022, 48014, 0, 15, 1, 0, 213540864, 196665344, 0, 4120",
        "nvme-seq-strict,          65562, 63521, 2014,  0, 15, 1, 0, 279076864, 262201344, 0, 4120",
        "vfio-type1-hugepages,     59600, 40672, 18780, 0, 136, 2, 40639, 235122688, 218218496, 0,"
                + " 4127",
    })
    void replaysTheRealTraces(
            String trace,
            String lines,
            String map,
            String unmap,
            String failed,
            String ignored,
            String domains,
            String ambiguous,
            String bytesMapped,
            String bytesUnmapped,
            String overUnmapAvoided,
            String livePages) {
        CommandRun run = CommandRun.of(Traces.real(trace + ".txt.xz"), "replay", "-", "--json");
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        assertThat(run.json())
                .containsEntry("lines", lines)
                .containsEntry("events.map", map)
                .containsEntry("events.unmap", unmap)
                .containsEntry("events.failed", failed)
                .containsEntry("events.ignored", ignored)
                .containsEntry("events.malformed", "0")
                .containsEntry("domains", domains)
                .containsEntry("ambiguous", ambiguous)
                .containsEntry("unknownUnmaps", "0")
                .containsEntry("contradictions", "0")
                .containsEntry("bytesMapped", bytesMapped)
                .containsEntry("bytesUnmapped", bytesUnmapped)
                .containsEntry("overUnmapAvoidedBytes", overUnmapAvoided)
                .containsEntry("live.pages4k", livePages)
                .containsEntry("violations", "0");
        assertThat(bytesInLeaves(run.json())).isEqualTo(Long.parseLong(livePages) * 4096);
    }

    @Test
    void withoutATraceItReplaysTheBundledSample() {
        CommandRun run = CommandRun.of("replay", "--json");
        assertThat(run.exitCode()).isZero();
        assertThat(run.json())
                .containsEntry("trace", "bundled sample vfio-type1-hugepages-sample.txt.xz")
                .containsEntry("lines", "4000")
                .containsEntry("events.map", "2691")
                .containsEntry("events.unmap", "1221")
                .containsEntry("events.ignored", "76")
                .containsEntry("domains", "2")
                .containsEntry("ambiguous", "2657")
                .containsEntry("bytesMapped", "50974720")
                .containsEntry("bytesUnmapped", "26476544")
                .containsEntry("live.pages4k", "5981")
                .containsEntry("violations", "0");
    }

    @Test
    void theJsonObjectHasTheKeysPromised() {
        CommandRun run = CommandRun.of(Traces.stream(TRACE), "replay", "-", "--json");
        assertThat(run.out()).endsWith("}" + System.lineSeparator());
        assertThat(run.json().keySet())
                .containsSequence(
                        "trace",
                        "events.map",
                        "events.unmap",
                        "events.failed",
                        "events.ignored",
                        "events.malformed",
                        "domains",
                        "ambiguous",
                        "unknownUnmaps",
                        "bytesMapped",
                        "bytesUnmapped",
                        "overUnmapAvoidedBytes",
                        "live.pages4k",
                        "live.leaves.4k",
                        "live.leaves.2m",
                        "live.leaves.1g",
                        "tables.pages",
                        "tables.peakPages",
                        "splits",
                        "invalidations.page",
                        "invalidations.domain",
                        "invalidations.global",
                        "violations",
                        "seconds",
                        "eventsPerSecond");
    }

    @Test
    void theTableSaysWhatPeopleAsk() {
        CommandRun run = CommandRun.of("replay");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains("bundled sample vfio-type1-hugepages-sample.txt.xz, 4,000 lines")
                .contains("2,657 events fit several domains")
                .contains(DomainAttribution.HEURISTIC)
                .containsPattern("violations +0\\R");
        assertThat(run.out().lines().count()).isLessThan(25);
    }

    @Test
    void splitKeepsWhatTheKernelLost() {
        Map<String, String> json = replayed(TRACE, "--partial-unmap", "split");
        assertThat(json)
                .containsEntry("overUnmapAvoidedBytes", "2093056")
                .containsEntry("splits", "1")
                .containsEntry("live.pages4k", "0")
                .containsEntry("live.leaves.2m", "0")
                .containsEntry("violations", "0");
    }

    @Test
    void rejectIsCountedAndDoneWithoutASplit() {
        assertThat(replayed(TRACE, "--partial-unmap", "reject"))
                .containsEntry("rejectedUnmaps", "1")
                .containsEntry("bytesRemapped", "2093056")
                .containsEntry("overUnmapAvoidedBytes", "0")
                .containsEntry("splits", "0")
                .containsEntry("violations", "0");
    }

    @Test
    void widenLosesTheWholeLeafAndMapsTheRestAgain() {
        assertThat(replayed(TRACE, "--partial-unmap", "WIDEN"))
                .containsEntry("rejectedUnmaps", "0")
                .containsEntry("bytesRemapped", "2093056")
                .containsEntry("splits", "0")
                .containsEntry("violations", "0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"split", "reject", "widen"})
    void everyModeEndsWhereTheKernelDid(String mode) {
        CommandRun run =
                CommandRun.of(
                        Traces.real("iommufd-partial-unmap.txt.xz"),
                        "replay",
                        "-",
                        "--json",
                        "--partial-unmap",
                        mode);
        assertThat(run.exitCode()).isZero();
        assertThat(run.json()).containsEntry("live.pages4k", "24").containsEntry("violations", "0");
    }

    @ParameterizedTest
    @CsvSource({"4k, 512, 0", "'4k,2m', 0, 1", "'4k,1g', 512, 0"})
    void usesThePageSizesAsked(String sizes, String small, String large) {
        String trace = Traces.map("a-1", 0x40000000, 0x80000000L, 1 << 21);
        assertThat(replayed(trace, "--page-sizes", sizes))
                .containsEntry("live.leaves.4k", small)
                .containsEntry("live.leaves.2m", large);
    }

    @ParameterizedTest
    @CsvSource({"strict, 1, 0", "domain, 0, 1", "deferred:age=10s, 0, 1"})
    void usesTheFlushPolicyAsked(String policy, String page, String domain) {
        String trace =
                Traces.map("a-1", 0x1000, 0x1000, 4096) + Traces.unmap("a-1", 0x1000, 4096, 4096);
        assertThat(replayed(trace, "--flush", policy))
                .containsEntry("invalidations.page", page)
                .containsEntry("invalidations.domain", domain);
    }

    @ParameterizedTest
    @CsvSource({"never, 512, 0, 0", "on-request, 512, 0, 0", "on-map, 0, 1, 1"})
    void C2_mergesLeavesWhenThePolicySaysSo(
            String policy, String small, String large, String coalesces) {
        StringBuilder trace = new StringBuilder();
        for (long at = 0; at < 1 << 21; at += 4096) {
            trace.append(Traces.map("a-1", 0x40000000 + at, 0x80000000L + at, 4096));
        }
        assertThat(replayed(trace.toString(), "--coalesce", policy))
                .containsEntry("live.leaves.4k", small)
                .containsEntry("live.leaves.2m", large)
                .containsEntry("coalesces", coalesces)
                .containsEntry("coalesce", policy);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "on-map | split",
                "on-map | reject",
                "on-map | widen",
                "in-background:quiet=1us,step=100000 | split",
            })
    void mergedLeavesEndWhereTheKernelDid(String policy, String mode) {
        CommandRun run =
                CommandRun.of(
                        Traces.real("iommufd-partial-unmap.txt.xz"),
                        "replay",
                        "-",
                        "--json",
                        "--machine",
                        "emulator",
                        "--partial-unmap",
                        mode,
                        "--coalesce",
                        policy);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).as(run.out()).isZero();
        assertThat(run.json()).containsEntry("live.pages4k", "24").containsEntry("violations", "0");
    }

    /** Each domain has a device there, so that its invalidations go through a unit. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "emulator",
                "emulator:coherent=false,caching-mode=true",
                "emulator:sanitizer=false,units=2",
            })
    void replaysOnAMachine(String machine) {
        assertThat(replayed(TRACE, "--machine", machine))
                .containsEntry("machine", machine)
                .containsEntry("splits", "1")
                .containsEntry("live.pages4k", "0")
                .containsEntry("violations", "0");
        CommandRun run =
                CommandRun.of(
                        Traces.real("iommufd-partial-unmap.txt.xz"),
                        "replay",
                        "-",
                        "--json",
                        "--machine",
                        machine);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).as(run.out()).isZero();
        assertThat(run.json()).containsEntry("live.pages4k", "24").containsEntry("violations", "0");
    }

    @Test
    void aRangeIsNotUsedAgainBeforeItsUnmapIsComplete() {
        String once =
                Traces.map("a-1", 0x1000, 0x1000, 4096) + Traces.unmap("a-1", 0x1000, 4096, 4096);
        assertThat(replayed(once + once, "--flush", "deferred:age=10s"))
                .containsEntry("reuseWaits", "1")
                .containsEntry("invalidations.domain", "2");
        assertThat(replayed(once + once)).containsEntry("reuseWaits", "0");
    }

    @Test
    void comparesFlushPolicies() throws IOException {
        StringBuilder trace = new StringBuilder();
        for (long iova = 0; iova < 64L << 21; iova += 1 << 21) {
            trace.append(Traces.map("a-1", iova, iova, 1 << 21));
            trace.append(Traces.unmap("a-1", iova, 1 << 21, 1 << 21));
        }
        String file = Files.writeString(folder.resolve("trace"), trace).toString();
        String policies = "strict,deferred:count=16,age=10s,domain";
        CommandRun table = CommandRun.of("replay", file, "--flush", policies);
        assertThat(table.err()).isEmpty();
        assertThat(table.exitCode()).isZero();
        assertThat(table.out())
                .containsPattern("(?m)^strict +64 +0 +0 +")
                .containsPattern("(?m)^deferred:count=16,age=10s +0 +4 +0 +")
                .containsPattern("(?m)^domain +0 +64 +0 +");
        assertThat(CommandRun.of("replay", file, "--json", "--flush", policies).json())
                .containsEntry("replays.0.flush", "strict")
                .containsEntry("replays.1.flush", "deferred:count=16,age=10s")
                .containsEntry("replays.2.invalidations.domain", "64")
                .containsEntry("replays.2.violations", "0");
        assertFailure(CommandRun.of("replay", "-", "--flush", policies), "standard input");
        assertFailure(CommandRun.of("replay", file, "--flush", "strict,lazy"), "\"lazy\"");
    }

    @Test
    void readsGzip() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(TRACE.getBytes(StandardCharsets.UTF_8));
        }
        Path file = Files.write(folder.resolve("trace"), bytes.toByteArray());
        CommandRun run = CommandRun.of("replay", "--json", file.toString());
        assertThat(run.json())
                .containsEntry("trace", file.toString())
                .containsEntry("events.map", "1");
    }

    @Test
    void readsAPlainFile() throws IOException {
        Path file = Files.writeString(folder.resolve("trace.txt"), TRACE);
        assertThat(CommandRun.of("replay", "--json", file.toString()).json())
                .containsEntry("events.unmap", "1");
    }

    @Test
    void malformedLinesAreCountedAndTheFirstIsShown() {
        String trace = TRACE + "x-1 [000] 1.5: map: IOMMU: iova=0x0000" + "\n" + TRACE;
        CommandRun run = CommandRun.of(Traces.stream(trace), "replay", "-");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("1 malformed").contains("line 3: ");
    }

    @Test
    void aTraceWithoutEventsIsAnErrorThatSaysWhatWasExpected() {
        assertFailure(CommandRun.of(Traces.stream(""), "replay", "-"), "no iommu map or unmap");
        CommandRun run = CommandRun.of(Traces.stream("hello\nx-1 [0] 1.5: map: IO"), "replay", "-");
        assertFailure(run, "standard input: no iommu map or unmap event in 2 lines; expected");
        assertThat(run.err()).contains("line 2: ");
    }

    @Test
    void inputThatCannotBeReadIsAnError() throws IOException {
        String missing = folder.resolve("missing.txt").toString();
        assertFailure(CommandRun.of("replay", missing), "there is no file " + missing);
        assertFailure(CommandRun.of("replay", folder.toString()), "is a directory");
        byte[] packed;
        try (InputStream real = Traces.real("nvme-rand4k-strict.txt.xz")) {
            packed = real.readAllBytes();
        }
        Path cut = Files.write(folder.resolve("cut.xz"), Arrays.copyOf(packed, packed.length / 2));
        CommandRun run = CommandRun.of("replay", cut.toString());
        assertFailure(run, "cannot read " + cut);
        assertThat(run.err()).containsPattern("after line [1-9][0-9]+: ");
        packed[packed.length / 2] ^= 0x55;
        Path damaged = Files.write(folder.resolve("damaged.xz"), packed);
        assertFailure(CommandRun.of("replay", damaged.toString()), "cannot read " + damaged);
        Path noGzip = Files.write(folder.resolve("bad.gz"), new byte[] {0x1f, (byte) 0x8b, 1, 2});
        assertFailure(CommandRun.of("replay", noGzip.toString()), "cannot read " + noGzip);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--backend amdvi        | no backend \"amdvi\"; found: vtd (org.iommu4j.vtd",
                "--machine vax          | no machine \"vax\"; found: emulator (org.iommu4j.emulator",
                "--machine emulator:a=b | the emulator has no parameter \"a\"; legal are ",
                "--machine emulator:page-sizes=4K | PAGE_SIZES",
                "--coalesce soon        | no coalesce policy \"soon\"; found: ",
                "--coalesce on-map:a=b  | \"on-map\" takes no parameters",
                "--coalesce in-background:quiet=1h | quiet=T with T from 1us to 10s",
                "--coalesce in-background --partial-unmap widen | with --partial-unmap widen so would",
                "--flush lazy           | no flush policy \"lazy\"; found: ",
                "--flush strict:pages=x | strict",
                "--page-sizes 16k       | \"16k\" is no page size; 4k, 2m and 1g are",
                "--page-sizes 2m        | 0x1000",
                "--partial-unmap half   | half",
                "--frobnicate           | --frobnicate",
                "one two                | two",
            })
    void badUsageIsAnErrorOfOneLine(String arguments, String expected) {
        String[] words = ("replay " + arguments).split(" ");
        assertFailure(CommandRun.of(words), expected);
    }

    private static Map<String, String> replayed(String trace, String... options) {
        String[] arguments =
                Arrays.copyOf(new String[] {"replay", "-", "--json"}, 3 + options.length);
        System.arraycopy(options, 0, arguments, 3, options.length);
        CommandRun run = CommandRun.of(Traces.stream(trace), arguments);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        return run.json();
    }

    private static void assertFailure(CommandRun run, String expected) {
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).startsWith("iommu4j replay: ").contains(expected);
        assertThat(run.err().lines()).hasSize(1);
    }

    private static long bytesInLeaves(Map<String, String> json) {
        return Long.parseLong(json.get("live.leaves.4k")) * (1L << 12)
                + Long.parseLong(json.get("live.leaves.2m")) * (1L << 21)
                + Long.parseLong(json.get("live.leaves.1g")) * (1L << 30);
    }
}
