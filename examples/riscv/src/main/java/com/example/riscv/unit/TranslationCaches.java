package com.example.riscv.unit;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/*
 * A request holds the lock for reading from before it looks into a cache until its bytes are moved; whoever forgets holds it
 * for writing. So no walk that began before an invalidation fills a cache after it, and no DMA is in the air behind a fence.
 */

/**
 * What the unit remembers, until it is told to forget: device contexts, leaves, and the tables
 * above them. It remembers both sizes of a leaf that was split, and uses the larger; and it
 * remembers tables that have been unlinked.
 */
final class TranslationCaches {

    /** In place of an address space or a device: every one. */
    static final int ALL = -1;

    /** Where a leaf or a table is remembered: it decides the addresses with this prefix. */
    private record Place(int stage, int space, int level, long prefix) {

        static Place of(Tables tables, int level, long iova) {
            return new Place(tables.stage(), tables.space(), level, iova >>> Tables.shift(level));
        }

        boolean isOf(int stage, int space) {
            return this.stage == stage && (space == ALL || this.space == space);
        }

        boolean decides(long iova) {
            return iova >>> Tables.shift(level) == prefix;
        }
    }

    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final Map<Integer, Tables> devices = new ConcurrentHashMap<>();
    private final Map<Place, Long> leaves = new ConcurrentHashMap<>();
    private final Map<Place, Long> tables = new ConcurrentHashMap<>();

    /** {@return what a request holds while it is on its way} */
    Lock request() {
        return lock.readLock();
    }

    @Nullable Tables device(int deviceId) {
        return devices.get(deviceId);
    }

    void rememberDevice(int deviceId, Tables context) {
        devices.put(deviceId, context);
    }

    /** The leaf of a level that translates an address, or 0. */
    long leaf(Tables of, int level, long iova) {
        return leaves.getOrDefault(Place.of(of, level, iova), 0L);
    }

    void rememberLeaf(Tables of, int level, long iova, long entry) {
        leaves.put(Place.of(of, level, iova), entry);
    }

    /** The table that the entry of a level at an address points to, or 0. */
    long table(Tables of, int level, long iova) {
        return tables.getOrDefault(Place.of(of, level, iova), 0L);
    }

    void rememberTable(Tables of, int level, long iova, long table) {
        tables.put(Place.of(of, level, iova), table);
    }

    /**
     * Forgets the leaves of one address, or, without an address, leaves and tables.
     *
     * @param stage of which tables
     * @param space of which address space, or {@link #ALL}
     * @param hasAddress true if only leaves of that address are meant
     * @param iova the address
     */
    void forget(int stage, int space, boolean hasAddress, long iova) {
        alone(() -> {
            leaves.keySet()
                    .removeIf(place ->
                            place.isOf(stage, space) && (!hasAddress || place.decides(iova)));
            if (!hasAddress) {
                tables.keySet().removeIf(place -> place.isOf(stage, space));
            }
        });
    }

    /** Forgets the context of a device, or of {@link #ALL}. */
    void forgetDevice(int deviceId) {
        alone(() -> devices.keySet().removeIf(known -> deviceId == ALL || deviceId == known));
    }

    /** Returns when every request that is on its way now has arrived. */
    void awaitRequests() {
        alone(() -> {});
    }

    private void alone(Runnable action) {
        lock.writeLock().lock();
        try {
            action.run();
        } finally {
            lock.writeLock().unlock();
        }
    }
}
