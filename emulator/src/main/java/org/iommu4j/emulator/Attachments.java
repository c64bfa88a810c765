package org.iommu4j.emulator;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** Which device goes through which tables, as software says. Any thread may call any method. */
final class Attachments {

    private static final long NONE = -1;
    private static final int REQUESTERS = 1 << 16;

    /** What is known of one device. */
    private static final class Device {
        private final Map<Long, Long> detached = new ConcurrentHashMap<>();
        private volatile long root = NONE;
    }

    private final AtomicReferenceArray<@Nullable Device> devices =
            new AtomicReferenceArray<>(REQUESTERS);

    /** A device is about to be attached. */
    void attaching(int requester, long root) {
        devices.compareAndSet(requester, null, new Device());
        Device device = devices.get(requester);
        if (device != null) {
            device.detached.put(root, Long.MAX_VALUE);
            device.root = root;
        }
    }

    /** A device has been detached. */
    void detached(int requester, long root, long moment) {
        Device device = devices.get(requester);
        if (device != null) {
            device.detached.put(root, moment);
            if (device.root == root) {
                device.root = NONE;
            }
        }
    }

    /** {@return true if a device certainly may use these tables} */
    boolean isAttached(int requester, long root) {
        Device device = devices.get(requester);
        return device == null || device.root == root;
    }

    /**
     * Says since when a device must not use tables.
     *
     * @param requester the device
     * @param root the tables
     * @return the moment when it was detached, 0 if it was never attached, or the largest number if
     *     it may use them
     */
    long forbiddenSince(int requester, long root) {
        Device device = devices.get(requester);
        return device == null ? Long.MAX_VALUE : device.detached.getOrDefault(root, 0L);
    }
}
