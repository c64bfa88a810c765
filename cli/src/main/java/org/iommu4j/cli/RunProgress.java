package org.iommu4j.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import me.tongfei.progressbar.ProgressBar;
import org.iommu4j.api.IommuException;
import org.iommu4j.cli.vm.Scenario;

/**
 * Shows how far several runs of the same length are, if they take more than two seconds, and only
 * to somebody who watches.
 *
 * @param <T> what tells the runs apart
 */
final class RunProgress<T> implements AutoCloseable {
    private final boolean shown;
    private final PrintStream err;
    private final String task;
    private final Duration each;
    private final List<T> runs;
    private final Function<T, String> names;
    private Optional<ProgressBar> bar = Optional.empty();

    /**
     * Watches runs.
     *
     * @param streams where the bar goes
     * @param task what they do
     * @param each how long each takes, at most
     * @param runs which there are, in order
     * @param names how each is called
     */
    RunProgress(
            Streams streams, String task, Duration each, List<T> runs, Function<T, String> names) {
        this.task = task;
        this.each = each;
        this.runs = runs;
        this.names = names;
        err = streams.err();
        shown = streams.terminal() && total().compareTo(TerminalBar.SHORT) > 0;
    }

    /**
     * Does the runs of a scenario, one after the other, until it is interrupted.
     *
     * @param <R> what is seen of a run
     * @param scenario the scenario
     * @param run does one
     * @return what was seen
     * @throws CommandFailure if one cannot be done
     */
    <R> List<R> follow(Scenario<T> scenario, Function<T, R> run) {
        List<R> seen = new ArrayList<>();
        try {
            for (T next : runs) {
                if (!scenario.isInterrupted()) {
                    seen.add(run.apply(next));
                }
            }
        } catch (IllegalArgumentException e) {
            throw CommandFailure.of(e);
        } catch (IommuException e) {
            throw new CommandFailure("cannot go on: " + e.getMessage(), e);
        }
        return seen;
    }

    /**
     * Shows how far it is.
     *
     * @param run what is running
     * @param elapsed for how long
     */
    void at(T run, Duration elapsed) {
        if (!shown) {
            return;
        }
        if (bar.isEmpty()) {
            bar = Optional.of(TerminalBar.open(err, task, total().toMillis(), " s", 1000));
        }
        long before = each.toMillis() * runs.indexOf(run);
        bar.get().setExtraMessage(names.apply(run));
        bar.get().stepTo(before + Math.min(elapsed.toMillis(), each.toMillis()));
    }

    @Override
    public void close() {
        bar.ifPresent(ProgressBar::close);
    }

    private Duration total() {
        return each.multipliedBy(runs.size());
    }
}
