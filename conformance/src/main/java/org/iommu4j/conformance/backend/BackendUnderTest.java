package org.iommu4j.conformance.backend;

import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.walker.PageTableFormatProvider;
import org.jspecify.annotations.Nullable;

/**
 * A backend, and what it is tried on: what its author says to the kit. Immutable; each method
 * returns a changed copy.
 *
 * {@snippet :
 * BackendUnderTest.of(new MyIommuProvider())                       // page tables without hardware
 * BackendUnderTest.of(new MyIommuProvider()).on(new MyMachines())  // on a machine
 * }
 *
 * <p>The kit opens and closes the backend many times, each time on a new machine. It puts an
 * allocator and a flush policy of its own around those that the options choose, so that it sees
 * which pages are taken and what is flushed, and it reads the tables with the backend's {@link
 * PageTableFormatProvider}, as a unit would.
 */
public final class BackendUnderTest {

    /** The name of page tables without hardware. */
    public static final String MEMORY_ONLY = "memory";

    /** How much memory the kit asks a machine for, in bytes. */
    public static final long MEMORY = 256L << 20;

    private final IommuProvider provider;
    private final String machineName;
    private final @Nullable Supplier<? extends Machine> machines;
    private final UnaryOperator<IommuOptions> options;
    private final @Nullable PageTableFormatProvider formats;
    private final long seed;

    private BackendUnderTest(
            IommuProvider provider,
            String machineName,
            @Nullable Supplier<? extends Machine> machines,
            UnaryOperator<IommuOptions> options,
            @Nullable PageTableFormatProvider formats,
            long seed) {
        this.provider = provider;
        this.machineName = machineName;
        this.machines = machines;
        this.options = options;
        this.formats = formats;
        this.seed = seed;
    }

    /**
     * A backend, tried on page tables without hardware.
     *
     * @param provider opens it
     * @return the backend under test, with seed 1
     */
    public static BackendUnderTest of(IommuProvider provider) {
        return new BackendUnderTest(provider, MEMORY_ONLY, null, UnaryOperator.identity(), null, 1);
    }

    /**
     * The same, on a machine.
     *
     * @param provider makes the machines, of {@link #MEMORY} bytes; with parameters if it was
     *     configured
     * @return a changed copy
     */
    public BackendUnderTest on(MachineProvider provider) {
        return on(provider.name(), () -> provider.create(MEMORY));
    }

    /**
     * The same, on a machine.
     *
     * @param name what such a machine is called in reports
     * @param machine makes one; the kit closes it. Some contracts need a few megabytes of memory
     *     beside that for tables
     * @return a changed copy
     */
    public BackendUnderTest on(String name, Supplier<? extends Machine> machine) {
        return new BackendUnderTest(provider, name, machine, options, formats, seed);
    }

    /**
     * The same, opened with other options.
     *
     * @param change adds to the options that the kit has made
     * @return a changed copy
     */
    public BackendUnderTest with(UnaryOperator<IommuOptions> change) {
        return new BackendUnderTest(provider, machineName, machines, change, formats, seed);
    }

    /**
     * The same, its tables read with given formats. Without this they are those of the provider
     * that bears the backend's name.
     *
     * @param given the formats
     * @return a changed copy
     */
    public BackendUnderTest reading(PageTableFormatProvider given) {
        return new BackendUnderTest(provider, machineName, machines, options, given, seed);
    }

    /**
     * The same with another seed, which everything random comes from.
     *
     * @param value the seed
     * @return a changed copy
     */
    public BackendUnderTest seed(long value) {
        return new BackendUnderTest(provider, machineName, machines, options, formats, value);
    }

    /** {@return the backend's name} */
    public String backend() {
        return provider.name();
    }

    /** {@return what the machine is called; {@link #MEMORY_ONLY} if there is none} */
    public String machine() {
        return machineName;
    }

    /** {@return the seed} */
    public long seed() {
        return seed;
    }

    IommuProvider provider() {
        return provider;
    }

    Optional<Machine> newMachine() {
        return machines == null ? Optional.empty() : Optional.of(machines.get());
    }

    IommuOptions changed(IommuOptions made) {
        return options.apply(made);
    }

    /** The formats that its tables may be of; none if nobody gives them. */
    List<PageTableFormatProvider> formats() {
        return formats != null
                ? List.of(formats)
                : PageTableFormatProvider.providers().stream()
                        .filter(found -> found.name().equals(provider.name()))
                        .toList();
    }

    @Override
    public String toString() {
        return provider.name() + " on " + machineName + ", seed " + seed;
    }
}
