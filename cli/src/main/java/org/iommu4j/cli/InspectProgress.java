package org.iommu4j.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Optional;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.iommu4j.inspector.Progress;

/**
 * Shows how far unpacking, searching or walking an image has come, once that has taken two seconds,
 * and only to somebody who watches. Each task has a bar of its own.
 */
final class InspectProgress implements Progress, AutoCloseable {
    private static final long DELAY = Duration.ofSeconds(2).toNanos();
    private static final int WIDTH = 79;

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
            bar = Optional.of(newBar(task, total));
        }
        bar.get().stepTo(done);
    }

    @Override
    public void close() {
        bar.ifPresent(ProgressBar::close);
        bar = Optional.empty();
    }

    private ProgressBar newBar(String task, long total) {
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total == 0 ? -1 : total)
                .setUnit(" MiB", 1 << 20)
                .setStyle(ProgressBarStyle.ASCII)
                .setConsumer(new ConsoleProgressBarConsumer(err, WIDTH))
                .build();
    }
}
