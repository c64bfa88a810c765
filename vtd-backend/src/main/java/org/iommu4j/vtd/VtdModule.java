package org.iommu4j.vtd;

import dagger.Binds;
import dagger.Module;
import dagger.Provides;
import jakarta.inject.Singleton;
import java.time.InstantSource;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.IotlbInvalidator;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/** Makes of the user's choices what an Iommu needs one of. */
@Module
interface VtdModule {

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
    @Singleton
    static CacheFlusher cacheFlusher(IommuOptions options, PhysicalMemory memory) {
        return options.policy(
                        CacheFlusherProvider.class,
                        "cache flusher",
                        CacheFlusherProvider.providers())
                .create(memory);
    }

    @Binds
    IotlbInvalidator invalidator(AbsentUnit unit);

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
