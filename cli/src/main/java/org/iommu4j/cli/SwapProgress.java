package org.iommu4j.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import org.iommu4j.cli.swap.SplitStrategy;
import org.iommu4j.cli.swap.SwapScenario;

/** Shows how far a run is, if it takes more than two seconds, and only to somebody who watches. */
final class SwapProgress implements SwapScenario.Progress, AutoCloseable {

    private final boolean shown;
    private final PrintStream err;
    private final Duration each;
    private final List<SplitStrategy> strategies;
    private Optional<ProgressBar> bar = Optional.empty();

    /**
     * Watches a run.
     *
     * @param streams where the bar goes
     * @param each how long each strategy takes
     * @param strategies which are run, in order
     */
    SwapProgress(Streams streams, Duration each, List<SplitStrategy> strategies) {
        this.each = each;
        this.strategies = strategies;
        err = streams.err();
        shown = streams.terminal() && total().compareTo(TerminalBar.SHORT) > 0;
    }

    @Override
    public void at(SplitStrategy strategy, Duration elapsed) {
        if (!shown) {
            return;
        }
        if (bar.isEmpty()) {
            bar = Optional.of(TerminalBar.open(err, "swap", total().toMillis(), " s", 1000));
        }
        long before = each.toMillis() * strategies.indexOf(strategy);
        bar.get().setExtraMessage(strategy.toString());
        bar.get().stepTo(before + Math.min(elapsed.toMillis(), each.toMillis()));
    }

    @Override
    public void close() {
        bar.ifPresent(ProgressBar::close);
    }

    private Duration total() {
        return each.multipliedBy(strategies.size());
    }
}
