package org.iommu4j.api;

import java.util.Optional;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Provider;
import org.iommu4j.machine.Providers;

/**
 * What to open an {@link Iommu} on, and with which policies. Immutable; each method returns changed
 * options.
 *
 * <p>Policies are named by provider, because a policy needs what only the unit has: {@code
 * with(FlushPolicyProvider.class, mine)}, or by name with parameters, {@code
 * with(FlushPolicyProvider.class, "deferred:count=256,age=10ms")}. A policy that is not chosen is
 * the one of the highest rank.
 */
public final class IommuOptions {

    private final Object ground;
    private final PolicyChoices policies;

    private IommuOptions(Object ground, PolicyChoices policies) {
        this.ground = ground;
        this.policies = policies;
    }

    /**
     * Page tables without hardware: domains work, devices cannot be attached.
     *
     * @param bytes memory for tables; a positive multiple of 4096; only touched pages cost
     * @return the options
     * @throws IllegalArgumentException if the size is not legal
     */
    public static IommuOptions memoryOnly(long bytes) {
        return memoryOnly(PhysicalMemory.allocate(bytes));
    }

    /**
     * Page tables without hardware, in memory that the caller has.
     *
     * @param memory memory for tables, all of it
     * @return the options
     */
    public static IommuOptions memoryOnly(PhysicalMemory memory) {
        return new IommuOptions(memory, PolicyChoices.NONE);
    }

    /**
     * A machine's remapping units.
     *
     * @param machine the machine; it stays the caller's to close, after the Iommu
     * @return the options
     */
    public static IommuOptions on(Machine machine) {
        return new IommuOptions(machine, PolicyChoices.NONE);
    }

    /**
     * A new machine's remapping units, by the name of the machine's provider.
     *
     * @param machineProvider its name, such as {@code "emulator"}
     * @param memoryBytes the size of the machine's memory; a positive multiple of 4096
     * @return the options; the machine is {@link #machine()}, and the caller's to close, after the
     *     Iommu
     * @throws IllegalArgumentException if there is no machine of that name (the message lists those
     *     found), or the size is not legal
     */
    public static IommuOptions on(String machineProvider, long memoryBytes) {
        return on(
                Providers.choose(
                                MachineProvider.class,
                                "machine",
                                MachineProvider.providers(),
                                machineProvider)
                        .create(memoryBytes));
    }

    /**
     * Chooses a policy.
     *
     * @param <P> the kind
     * @param kind the service type, such as {@code FlushPolicyProvider.class}
     * @param provider the provider
     * @return changed options
     */
    public <P extends Provider> IommuOptions with(Class<P> kind, P provider) {
        return new IommuOptions(ground, policies.with(kind, kind.cast(provider)));
    }

    /**
     * Chooses a policy by name. The name is looked up when the Iommu is opened.
     *
     * @param <P> the kind
     * @param kind the service type
     * @param name the provider's name, with parameters if it takes some: {@code
     *     "deferred:count=256"}
     * @return changed options
     */
    public <P extends Provider> IommuOptions with(Class<P> kind, String name) {
        return new IommuOptions(ground, policies.with(kind, name));
    }

    /** {@return the machine, or empty for page tables without hardware} */
    public Optional<Machine> machine() {
        return ground instanceof Machine machine ? Optional.of(machine) : Optional.empty();
    }

    /** {@return the memory that tables live in: of a machine, the part it keeps for them} */
    public PhysicalMemory memory() {
        return ground instanceof Machine machine ? machine.tableMemory() : (PhysicalMemory) ground;
    }

    /**
     * Says whether the user chose a policy of a kind, or leaves it to the backend.
     *
     * @param kind the service type
     * @return true if one was chosen
     */
    public boolean chooses(Class<? extends Provider> kind) {
        return policies.has(kind);
    }

    /**
     * Finds the provider of a policy: the chosen one, or that of the highest rank. For backends.
     *
     * @param <P> the kind
     * @param kind the service type
     * @param called what such a policy is called in a message, as in "flush policy"
     * @param found the providers that were found
     * @return the provider
     * @throws IllegalArgumentException if there is none of the chosen name, or none at all
     */
    public <P extends Provider> P policy(Class<P> kind, String called, Iterable<P> found) {
        return policies.resolve(kind, called, found);
    }
}
