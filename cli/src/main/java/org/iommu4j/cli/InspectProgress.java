package org.iommu4j.cli;

import java.io.PrintStream;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import org.iommu4j.inspector.Progress;

/**
 * Shows how far unpacking, searching or walking an image has come, once that has taken two seconds,
 * and only to somebody who watches. Each task has a bar of its own.
 */
final class InspectProgress implements Progress, AutoCloseable {
    private static final long DELAY = TerminalBar.SHORT.toNanos();

    private final boolean shown;
    private final PrintStream err;
    private final long start = System.nanoTime();
    private Optional<ProgressBar> bar = Optional.empty();

    InspectProgress(Streams streams) {
        this.shown = streams.terminal();
        this.err = streams.err();
    }

    @Override
    public void at(String task, long done, long total) {
        if (!shown || System.nanoTime() - start < DELAY) {
            return;
        }
        if (bar.map(open -> !open.getTaskName().equals(task)).orElse(false)) {
            close();
        }
        if (bar.isEmpty()) {
            bar = Optional.of(TerminalBar.open(err, task, total, " MiB", 1 << 20));
        }
        bar.get().stepTo(done);
    }

    @Override
    public void close() {
        bar.ifPresent(ProgressBar::close);
        bar = Optional.empty();
    }
}
