package org.iommu4j.benchmarks;

import java.io.Console;
import java.util.Optional;

/** Says on a terminal, and only there, how far a run has come. */
final class Progress {

    private static final String ERASE_LINE = "\r\u001b[K";

    private final boolean shown;
    private final int steps;
    private int begun;

    Progress(int steps) {
        this.shown = Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
        this.steps = steps;
    }

    void begin(String step) {
        begun++;
        if (shown) {
            System.err.print(ERASE_LINE + begun + " of " + steps + ": " + step);
            System.err.flush();
        }
    }

    void end() {
        if (shown) {
            System.err.print(ERASE_LINE);
            System.err.flush();
        }
    }
}
