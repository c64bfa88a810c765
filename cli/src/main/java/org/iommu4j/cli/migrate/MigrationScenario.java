package org.iommu4j.cli.migrate;

import java.util.function.BiFunction;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.cli.vm.Machines;
import org.iommu4j.cli.vm.Scenario;

/**
 * Live migration by dirty tracking: the memory of a VM is copied while its devices write to it, and
 * what they wrote is copied again, until so little is left that they can be stopped for it. Each
 * granularity runs on a machine of its own, from the same seed.
 */
public final class MigrationScenario extends Scenario<Long> {
    private final MigrateSettings settings;

    /**
     * Prepares the scenario.
     *
     * @param settings what is migrated
     * @param machines makes machines
     * @param iommus opens a backend, as {@link Iommu#open}
     */
    public MigrationScenario(
            MigrateSettings settings,
            Machines machines,
            BiFunction<String, IommuOptions, Iommu> iommus) {
        super(machines, iommus);
        this.settings = settings;
    }

    /**
     * Migrates once. Interrupted, it stops the devices and finishes.
     *
     * @param granularity at which writes are told apart, in bytes
     * @param progress hears after each round how far it is
     * @return what was seen
     * @throws IllegalArgumentException if machine or backend cannot do what the settings say
     * @throws org.iommu4j.api.UnsupportedFeatureException if writes cannot be tracked
     */
    public MigrationReport run(long granularity, Progress<Long> progress) {
        return onNewMachine(
                settings.vm(),
                settings.machineMemory(),
                IommuOptions::on,
                (machine, iommu) -> {
                    MigrationRun run = new MigrationRun(settings.vm(), machine, iommu, granularity);
                    run.go(this::isInterrupted, elapsed -> progress.at(granularity, elapsed));
                    return run::report;
                });
    }
}
