package org.iommu4j.cli.swap;

import java.util.function.BiFunction;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.cli.vm.Machines;
import org.iommu4j.cli.vm.Scenario;
import org.iommu4j.flush.FlushPolicyProvider;

/**
 * The founding scenario: a VM's memory is mapped with large pages, its devices do DMA, and the host
 * takes 4 KiB pages away and brings them back. Each strategy runs on a machine of its own, from the
 * same seed.
 */
public final class SwapScenario extends Scenario<SplitStrategy> {
    private final SwapSettings settings;

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
        super(machines, iommus);
        this.settings = settings;
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
    public StrategyReport run(
            SplitStrategy strategy, boolean sampled, Progress<SplitStrategy> progress) {
        return onNewMachine(
                settings.vm(),
                settings.machineMemory(),
                machine ->
                        IommuOptions.on(machine).with(FlushPolicyProvider.class, settings.flush()),
                (machine, iommu) -> {
                    StrategyRun run = new StrategyRun(settings, machine, iommu, strategy, sampled);
                    run.go(iommu, this::isInterrupted, elapsed -> progress.at(strategy, elapsed));
                    return run::report;
                });
    }
}
