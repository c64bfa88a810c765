package org.iommu4j.cli;

import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import org.iommu4j.conformance.backend.Conformance;

/** Shows how many contracts were tried, if it takes long, and only to somebody who watches. */
final class ConformProgress implements Conformance.Progress, AutoCloseable {
    private final Streams streams;
    private final long start = System.nanoTime();
    private Optional<ProgressBar> bar = Optional.empty();

    ConformProgress(Streams streams) {
        this.streams = streams;
    }

    @Override
    public void at(String rule, int done, int all) {
        boolean isLong = System.nanoTime() - start > TerminalBar.SHORT.toNanos();
        if (bar.isEmpty() && isLong && streams.terminal()) {
            bar = Optional.of(TerminalBar.open(streams.err(), "conform", all, " contracts", 1));
        }
        bar.ifPresent(shown -> {
            shown.setExtraMessage(rule);
            shown.stepTo(done);
        });
    }

    @Override
    public void close() {
        bar.ifPresent(ProgressBar::close);
    }
}
