package org.iommu4j.cli.vm;

import java.time.Duration;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.machine.Machine;

/**
 * What is done with a VM several times in a row, each on a machine of its own, until somebody
 * interrupts.
 *
 * @param <K> what tells the times apart
 */
public abstract class Scenario<K> {
    private final Machines machines;
    private final BiFunction<String, IommuOptions, Iommu> iommus;
    private volatile boolean interrupted;

    /**
     * Hears how far a run is.
     *
     * @param <K> what tells runs apart
     */
    @FunctionalInterface
    public interface Progress<K> {
        /**
         * Called now and then.
         *
         * @param run what is running
         * @param elapsed for how long its devices have been running
         */
        void at(K run, Duration elapsed);
    }

    /**
     * Prepares a scenario.
     *
     * @param machines makes machines
     * @param iommus opens a backend, as {@link Iommu#open}
     */
    protected Scenario(Machines machines, BiFunction<String, IommuOptions, Iommu> iommus) {
        this.machines = machines;
        this.iommus = iommus;
    }

    /** Ends the run early; what was seen so far is reported. Any thread may call it. */
    public final void interrupt() {
        interrupted = true;
    }

    /** {@return whether that was called} */
    public final boolean isInterrupted() {
        return interrupted;
    }

    /**
     * Does something on a new machine, and asks what was seen when its Iommu is closed.
     *
     * @param <R> what was seen
     * @param vm the VM
     * @param bytes the machine's memory
     * @param options how the Iommu is opened on the machine
     * @param run does it, and returns what will say what was seen
     * @return what was seen
     * @throws IllegalArgumentException if machine, backend or policy cannot do what is asked
     */
    protected final <R> R onNewMachine(
            VmSettings vm,
            long bytes,
            Function<Machine, IommuOptions> options,
            BiFunction<Machine, Iommu, Supplier<R>> run) {
        try (Machine machine = machines.create(vm.configuredMachine(), bytes)) {
            Supplier<R> report;
            try (Iommu iommu = iommus.apply(vm.backend(), options.apply(machine))) {
                report = run.apply(machine, iommu);
            }
            return report.get();
        }
    }
}
