package org.iommu4j.cli;

import java.util.function.DoubleFunction;
import java.util.function.Predicate;

/**
 * Has a scenario go on until it has shown enough: how much happens in a second is up to the machine
 * and to what else it does. What must never be seen is for the scenario to look for, in every run.
 */
final class LongEnough {
    private static final double LONGEST_SECONDS = 60;
    private static final double LONGER = 4;

    private LongEnough() {}

    /**
     * Runs a scenario, and again for longer until it has shown enough or was given a minute.
     *
     * @param seconds how long the first run takes
     * @param scenario a run of so many seconds
     * @param enough whether a run has shown what it is to show
     * @return the last run
     */
    static CommandRun run(
            double seconds, DoubleFunction<CommandRun> scenario, Predicate<CommandRun> enough) {
        double next = seconds;
        CommandRun run = scenario.apply(next);
        while (!enough.test(run) && next < LONGEST_SECONDS) {
            next = Math.min(LONGER * next, LONGEST_SECONDS);
            run = scenario.apply(next);
        }
        return run;
    }
}
