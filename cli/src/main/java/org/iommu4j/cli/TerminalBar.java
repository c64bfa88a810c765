package org.iommu4j.cli;

import java.io.PrintStream;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** The progress bar of every command: plain characters, on stderr. */
final class TerminalBar {
    /** Work that does not take longer needs no bar. */
    static final Duration SHORT = Duration.ofSeconds(2);

    private static final int WIDTH = 79;

    private TerminalBar() {}

    /**
     * Opens a bar.
     *
     * @param err where it is drawn
     * @param task what is done
     * @param most how far it goes; 0 if that is not known
     * @param unit what it counts, with a space before
     * @param unitSize how many steps one of that is
     */
    static ProgressBar open(PrintStream err, String task, long most, String unit, long unitSize) {
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(most == 0 ? -1 : most)
                .setUnit(unit, unitSize)
                .setStyle(ProgressBarStyle.ASCII)
                .setConsumer(new ConsoleProgressBarConsumer(err, WIDTH))
                .build();
    }
}
