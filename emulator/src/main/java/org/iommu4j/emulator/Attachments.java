package org.iommu4j.emulator;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * Which device goes through which tables, as software says: with the requests of one process
 * address space, or with those without one. Any thread may call any method.
 */
final class Attachments {

    private static final long NONE = -1;
    private static final int REQUESTERS = 1 << 16;
    private static final long PASIDS = 1 << 20;

    /** What is known of one device and one process address space. */
    private static final class Use {
        private final Map<Long, Long> detached = new ConcurrentHashMap<>();
        private volatile long root = NONE;
    }

    /** What is known of one device. */
    private static final class Device {
        private final Use plain = new Use();
        private final PageArray<Use> ofPasids =
                new PageArray<>(0, PASIDS << PhysicalMemory.PAGE_SHIFT, _ -> new Use());

        private @Nullable Use find(int pasid) {
            return pasid == SourceId.NO_PASID ? plain : ofPasids.find(place(pasid));
        }

        private Use of(int pasid) {
            return pasid == SourceId.NO_PASID ? plain : ofPasids.of(place(pasid));
        }

        private static long place(int pasid) {
            return (long) pasid << PhysicalMemory.PAGE_SHIFT;
        }
    }

    private final AtomicReferenceArray<@Nullable Device> devices =
            new AtomicReferenceArray<>(REQUESTERS);

    /** A device is about to be attached. */
    void attaching(int requester, int pasid, long root) {
        devices.compareAndSet(requester, null, new Device());
        Device device = devices.get(requester);
        if (device != null) {
            Use use = device.of(pasid);
            use.detached.put(root, Long.MAX_VALUE);
            use.root = root;
        }
    }

    /** A device has been detached. */
    void detached(int requester, int pasid, long root, long moment) {
        Device device = devices.get(requester);
        if (device != null) {
            Use use = device.of(pasid);
            use.detached.put(root, moment);
            if (use.root == root) {
                use.root = NONE;
            }
        }
    }

    /** {@return true if a device certainly may use these tables} */
    boolean isAttached(int requester, int pasid, long root) {
        Device device = devices.get(requester);
        if (device == null) {
            return true;
        }
        Use use = device.find(pasid);
        return use != null && use.root == root;
    }

    /**
     * Says since when a device must not use tables.
     *
     * @param requester the device
     * @param pasid whose requests, or {@link SourceId#NO_PASID}
     * @param root the tables
     * @return the moment when it was detached, 0 if it was never attached, or the largest number if
     *     it may use them, or nothing was ever said of it
     */
    long forbiddenSince(int requester, int pasid, long root) {
        Device device = devices.get(requester);
        if (device == null) {
            return Long.MAX_VALUE;
        }
        Use use = device.find(pasid);
        return use == null ? 0 : use.detached.getOrDefault(root, 0L);
    }
}
