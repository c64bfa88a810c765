package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.iommu4j.cli.swap.SplitStrategy;
import org.junit.jupiter.api.Test;

class RunProgressTest {
    @Test
    void aLongRunIsShownToSomebodyWhoWatches() {
        assertThat(shown(true, Duration.ofSeconds(2))).contains("swap").contains("unmap-map");
    }

    @Test
    void aShortRunIsNot() {
        assertThat(shown(true, Duration.ofSeconds(1))).isEmpty();
    }

    @Test
    void nobodyWatchesAPipe() {
        assertThat(shown(false, Duration.ofDays(1))).isEmpty();
    }

    private static String shown(boolean terminal, Duration each) {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream nothing = new PrintStream(new ByteArrayOutputStream());
        Streams streams =
                new Streams(
                        InputStream.nullInputStream(),
                        nothing,
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        terminal);
        try (RunProgress<SplitStrategy> progress =
                new RunProgress<>(
                        streams,
                        "swap",
                        each,
                        List.of(SplitStrategy.values()),
                        SplitStrategy::toString)) {
            progress.at(SplitStrategy.HITLESS, each);
            progress.at(SplitStrategy.UNMAP_MAP, each.dividedBy(2));
        }
        return err.toString(StandardCharsets.UTF_8);
    }
}
