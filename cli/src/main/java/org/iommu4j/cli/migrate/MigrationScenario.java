package org.iommu4j.cli.migrate;

import java.time.Duration;
import java.util.function.BiFunction;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.cli.vm.Machines;
import org.iommu4j.machine.Machine;

/**
 * Live migration by dirty tracking: the memory of a VM is copied while its devices write to it, and
 * what they wrote is copied again, until so little is left that they can be stopped for it. Each
 * granularity runs on a machine of its own, from the same seed.
 */
public final class MigrationScenario {
    private final MigrateSettings settings;
    private final Machines machines;
    private final BiFunction<String, IommuOptions, Iommu> iommus;
    private volatile boolean interrupted;

    /** Hears how far a migration is. */
    @FunctionalInterface
    public interface Progress {
        /**
         * Called after each round.
         *
         * @param granularity at which granularity, in bytes
         * @param elapsed for how long devices have been writing
         */
        void at(long granularity, Duration elapsed);
    }

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
        this.settings = settings;
        this.machines = machines;
        this.iommus = iommus;
    }

    /** Stops the devices now and finishes the migration. Any thread may call it. */
    public void interrupt() {
        interrupted = true;
    }

    /** {@return whether that was called} */
    public boolean isInterrupted() {
        return interrupted;
    }

    /**
     * Migrates once.
     *
     * @param granularity at which writes are told apart, in bytes
     * @param progress hears how far it is
     * @return what was seen
     * @throws IllegalArgumentException if machine or backend cannot do what the settings say
     * @throws org.iommu4j.api.UnsupportedFeatureException if writes cannot be tracked
     */
    public MigrationReport run(long granularity, Progress progress) {
        try (Machine machine =
                machines.create(settings.vm().configuredMachine(), settings.machineMemory())) {
            MigrationRun run;
            try (Iommu iommu = iommus.apply(settings.vm().backend(), IommuOptions.on(machine))) {
                run = new MigrationRun(settings.vm(), machine, iommu, granularity);
                run.go(() -> interrupted, elapsed -> progress.at(granularity, elapsed));
            }
            return run.report();
        }
    }
}
