package org.iommu4j.cli.swap;

import java.time.Duration;
import java.util.function.BiFunction;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.cli.vm.Machines;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Machine;

/**
 * The founding scenario: a VM's memory is mapped with large pages, its devices do DMA, and the host
 * takes 4 KiB pages away and brings them back. Each strategy runs on a machine of its own, from the
 * same seed.
 */
public final class SwapScenario {
    private final SwapSettings settings;
    private final Machines machines;
    private final BiFunction<String, IommuOptions, Iommu> iommus;
    private volatile boolean interrupted;

    /** Hears how far a run is. */
    @FunctionalInterface
    public interface Progress {
        /**
         * Called now and then.
         *
         * @param strategy what is running
         * @param elapsed for how long
         */
        void at(SplitStrategy strategy, Duration elapsed);
    }

    /**
     * Prepares the scenario.
     *
     * @param settings what it runs on
     * @param machines makes machines
     * @param iommus opens a backend, as {@link Iommu#open}
     */
    public SwapScenario(
            SwapSettings settings,
            Machines machines,
            BiFunction<String, IommuOptions, Iommu> iommus) {
        this.settings = settings;
        this.machines = machines;
        this.iommus = iommus;
    }

    /** Ends the run early; what was seen so far is reported. Any thread may call it. */
    public void interrupt() {
        interrupted = true;
    }

    /** {@return whether the run was ended early} */
    public boolean isInterrupted() {
        return interrupted;
    }

    /**
     * Runs a strategy.
     *
     * @param strategy the strategy
     * @param sampled whether what happens over time is kept
     * @param progress hears how far it is
     * @return what was seen
     * @throws IllegalArgumentException if machine, backend or policy cannot do what the settings
     *     say
     */
    public StrategyReport run(SplitStrategy strategy, boolean sampled, Progress progress) {
        try (Machine machine =
                machines.create(settings.vm().configuredMachine(), settings.machineMemory())) {
            StrategyRun run;
            IommuOptions options =
                    IommuOptions.on(machine).with(FlushPolicyProvider.class, settings.flush());
            try (Iommu iommu = iommus.apply(settings.vm().backend(), options)) {
                run = new StrategyRun(settings, machine, iommu, strategy, sampled);
                run.go(iommu, () -> interrupted, elapsed -> progress.at(strategy, elapsed));
            }
            return run.report();
        }
    }
}
