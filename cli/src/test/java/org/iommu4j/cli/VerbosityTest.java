package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code -v}: what is logged, which goes to the standard error of the process. */
class VerbosityTest {
    private static final String[] SWAP = swap(0.1);
    private static final String FAULT = "DEBUG FaultLog: 0000:00:01.0 may not ";

    private final PrintStream usual = System.err;
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();

    @BeforeEach
    void listen() {
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void listenNoMore() {
        System.setErr(usual);
    }

    @Test
    void nothingIsLoggedUnasked() {
        assertThat(CommandRun.of(SWAP).exitCode()).isZero();
        assertThat(logged()).isEmpty();
    }

    @Test
    void onceForRareEvents() {
        CommandRun.of(with("-v", SWAP));
        assertThat(logged())
                .contains("INFO  Unit: ")
                .contains(" is driven in scalable mode: CAP 0x")
                .doesNotContain("DEBUG")
                .doesNotContain("TRACE");
    }

    @Test
    void twiceForAttachmentsDecisionsAndFaults() {
        LongEnough.run(
                0.1,
                seconds -> CommandRun.of(with("-vv", swap(seconds))),
                _ -> logged().contains(FAULT));
        assertThat(logged())
                .contains("INFO  Unit: ")
                .contains("DEBUG SwapCommand: swapping with ")
                .contains("DEBUG DeviceAttachment: attached ")
                .contains(FAULT)
                .contains("; domain 0x")
                .doesNotContain("TRACE");
    }

    @Test
    void thriceForEachRequestToAUnit() {
        CommandRun.of(with("-vvv", SWAP));
        assertThat(logged()).contains("TRACE InvalidationQueue: ").contains(" is to do ");
    }

    @Test
    void theOptionMayFollowTheCommand() {
        CommandRun.of("conform", "--machine", "memory", "--rule", "M1", "--verbose", "--verbose");
        assertThat(logged()).contains("DEBUG ConformCommand: running the rules");
        log.reset();
        CommandRun.of(SWAP);
        assertThat(logged()).as("the level of a run is its own").isEmpty();
    }

    @Test
    void whatRulesProvokeIsLoggedToThoseWhoAskOnly() {
        assertThat(CommandRun.of("conform", "--rule", "F3").exitCode()).isZero();
        assertThat(logged()).isEmpty();
        CommandRun.of("conform", "--rule", "F3", "-v");
        assertThat(logged()).contains("WARN  FaultListener: a fault listener threw");
    }

    @Test
    void whatLibrariesLogWithoutALibraryGoesTheSameWay() {
        System.Logger library = System.getLogger("org.iommu4j.some.Library");
        CommandRun.of("-v", "list");
        library.log(System.Logger.Level.WARNING, "{0} of {1}", "one", "two");
        library.log(System.Logger.Level.WARNING, "it''s plain");
        library.log(System.Logger.Level.INFO, () -> "made when wanted");
        library.log(System.Logger.Level.ERROR, "thrown", new IllegalStateException("on purpose"));
        library.log(System.Logger.Level.DEBUG, "not wanted");
        assertThat(library.isLoggable(System.Logger.Level.INFO)).isTrue();
        assertThat(library.isLoggable(System.Logger.Level.DEBUG)).isFalse();
        assertThat(library.getName()).isEqualTo("org.iommu4j.some.Library");
        assertThat(logged())
                .contains("WARN  Library: one of two")
                .contains("WARN  Library: it''s plain")
                .contains("INFO  Library: made when wanted")
                .contains("ERROR Library: thrown")
                .contains("IllegalStateException: on purpose")
                .doesNotContain("not wanted");
    }

    @Test
    void helpTellsOfIt() {
        assertThat(CommandRun.of("swap", "--help").out().replaceAll("\\s+", " "))
                .contains("-v, --verbose")
                .contains("-vvv each request to a unit")
                .contains("--record=FILE");
    }

    private static String[] swap(double seconds) {
        String words = "swap --memory 8m --split unmap-map --faults fatal --seconds " + seconds;
        return words.split(" ");
    }

    private static String[] with(String option, String... command) {
        String[] all = new String[command.length + 1];
        all[0] = option;
        System.arraycopy(command, 0, all, 1, command.length);
        return all;
    }

    private String logged() {
        return log.toString(StandardCharsets.UTF_8);
    }
}
