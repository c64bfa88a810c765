package org.iommu4j.examples;

import java.util.HashMap;
import java.util.Map;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushPolicyProvider;

/**
 * When the memory of an unmapped range may be used for something else: when its gather was synced
 * and the sync completed, not when unmap returns. Until then a device may use what it holds in its
 * cache of translations. The wrong order stands beside the right one.
 *
 * <p>Run it: {@code ./examples/run E03}
 */
public final class E03_GatherAndSync {

    private static final long IOVA = 0x10_0000L;
    private static final long FRAME = 0x8000_0000L;
    private static final long PAGE = 0x1000;

    private E03_GatherAndSync() {}

    /**
     * Runs it.
     *
     * @param args none
     */
    public static void main(String[] args) {
        wrong();
        right();
    }

    private static void wrong() {
        CachingDevice device = new CachingDevice();
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.memoryOnly(64 << 20));
                IommuDomain domain =
                        iommu.createDomain(device.hearsSyncs(DomainOptions.defaults()));
                IotlbGather gather = domain.gather()) {
            domain.map(IOVA, FRAME, PAGE, Access.READ_WRITE);
            device.write(domain, IOVA, "a packet");

            domain.unmap(IOVA, PAGE, gather);
            device.memory.put(FRAME, "somebody's password"); // too early: nothing was synced
            device.write(domain, IOVA, "a late packet");
            System.out.println("wrong: the password is now: " + device.memory.get(FRAME));
        }
    }

    private static void right() {
        CachingDevice device = new CachingDevice();
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.memoryOnly(64 << 20));
                IommuDomain domain =
                        iommu.createDomain(device.hearsSyncs(DomainOptions.defaults()));
                IotlbGather gather = domain.gather()) {
            domain.map(IOVA, FRAME, PAGE, Access.READ_WRITE);
            device.write(domain, IOVA, "a packet");

            domain.unmap(IOVA, PAGE, gather);
            domain.sync(gather).await(); // now no device can reach the frame
            device.memory.put(FRAME, "somebody's password");
            device.write(domain, IOVA, "a late packet");
            System.out.println("right: the password is now: " + device.memory.get(FRAME));
        }
    }

    /** A device that keeps every translation until it is told to forget it. */
    private static final class CachingDevice {

        final Map<Long, String> memory = new HashMap<>();
        private final Map<Long, Long> cache = new HashMap<>();

        void write(IommuDomain domain, long iova, String what) {
            long output = cache.computeIfAbsent(iova, domain::translate);
            if (output == IommuDomain.NOT_MAPPED) {
                System.out.printf("the write to 0x%x was blocked%n", iova);
            } else {
                memory.put(output, what);
            }
        }

        /** Stands in for the unit, which passes invalidations on to devices. */
        DomainOptions hearsSyncs(DomainOptions options) {
            return options.with(FlushPolicyProvider.class, new ForgetfulPolicy(this::forget));
        }

        private void forget(long start, long end) {
            cache.keySet().removeIf(iova -> start <= iova && iova < end);
        }
    }
}
