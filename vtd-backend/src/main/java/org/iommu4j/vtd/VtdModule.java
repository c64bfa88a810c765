package org.iommu4j.vtd;

import dagger.Binds;
import dagger.Module;
import dagger.Provides;
import jakarta.inject.Singleton;
import java.time.InstantSource;
import java.util.List;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.IotlbInvalidator;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/** Makes of the user's choices what an Iommu needs one of. */
@Module
interface VtdModule {

    /** The cache flusher for units that do not snoop, unless the user chose another. */
    String LINE_BY_LINE = "line";

    @Provides
    static PhysicalMemory memory(IommuOptions options) {
        return options.memory();
    }

    @Provides
    @Singleton
    static TableAllocator allocator(IommuOptions options, PhysicalMemory memory) {
        return options.policy(
                        TableAllocatorProvider.class,
                        "table allocator",
                        TableAllocatorProvider.providers())
                .create(memory);
    }

    @Provides
    static Witness witness(IommuOptions options) {
        return options.machine().map(Machine::witness).orElse(Witness.NONE);
    }

    @Provides
    @Singleton
    static List<Device> devices(IommuOptions options) {
        return options.machine().map(Machine::devices).orElse(List.of());
    }

    @Provides
    @Singleton
    static List<DiscoveredUnit> units(IommuOptions options, Patience patience) {
        return options.machine().map(Machine::remappingUnits).orElse(List.of()).stream()
                .map(unit -> DiscoveredUnit.of(unit, patience))
                .toList();
    }

    @Provides
    @Singleton
    static UnitLimits limits(IommuOptions options, List<DiscoveredUnit> units) {
        return options.machine()
                .map(machine ->
                        new UnitLimits(
                                units.stream().map(DiscoveredUnit::capabilities).toList(),
                                machine.hostAddressWidth()))
                .orElseGet(UnitLimits::none);
    }

    /** The user's choice; else the highest rank if every unit snoops, and lines if one does not. */
    @Provides
    @Singleton
    static CacheFlusher cacheFlusher(
            IommuOptions options, PhysicalMemory memory, UnitLimits limits) {
        boolean chosen = limits.isCoherent() || options.chooses(CacheFlusherProvider.class);
        IommuOptions definite =
                chosen ? options : options.with(CacheFlusherProvider.class, LINE_BY_LINE);
        CacheFlusher cache =
                definite.policy(
                                CacheFlusherProvider.class,
                                "cache flusher",
                                CacheFlusherProvider.providers())
                        .create(memory);
        if (!limits.isCoherent() && !cache.isNeeded()) {
            throw new UnsupportedFeatureException(
                    Feature.COHERENT_WALKS,
                    "a cache flusher that writes nothing back, with a unit that does not snoop the"
                            + " processor's cache (ECAP.C is 0); \"line\" is legal");
        }
        return cache;
    }

    @Binds
    IotlbInvalidator invalidator(RemappingUnits units);

    @Provides
    static FlushContext flushContext(IotlbInvalidator invalidator, BackgroundWork background) {
        return new FlushContext(invalidator, InstantSource.system(), background::executor);
    }

    @Provides
    @Singleton
    static FlushPolicy flushPolicy(IommuOptions options, FlushContext context) {
        return options.policy(
                        FlushPolicyProvider.class, "flush policy", FlushPolicyProvider.providers())
                .create(context);
    }
}
