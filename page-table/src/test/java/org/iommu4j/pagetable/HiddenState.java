package org.iommu4j.pagetable;

import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * What the engine's threads share besides memory and guards, as a hash: two states that differ in
 * it are two. It reads private fields, so that the engine need not have anything for it.
 */
final class HiddenState {

    private static final Field TABLES = field(PageTable.class, "tables");
    private static final Field EMPTY_TABLES = field(PageTable.class, "emptyTables");
    private static final Field SLOTS = field(EmptyTables.class, "slots");
    private static final Field COUNT = field(PendingSpans.class, "count");
    private static final Field RECENT = field(RecentTables.class, "pages");
    private static final Field[] SPANS = {
        field(PendingSpans.class, "starts"),
        field(PendingSpans.class, "ends"),
        field(PendingSpans.class, "stamps")
    };

    private final AtomicLongArray slots;
    private final PendingSpans pending;
    private final long[] recent;
    private final long[] recentUpper;
    private final Tables tables;

    HiddenState(PageTable engine) {
        this.slots = (AtomicLongArray) get(SLOTS, get(EMPTY_TABLES, engine));
        this.tables = (Tables) get(TABLES, engine);
        this.pending = tables.pending;
        this.recent = (long[]) get(RECENT, tables.recent);
        this.recentUpper = (long[]) get(RECENT, tables.recentUpper);
    }

    long hash() {
        long hash = 0;
        for (int i = 0; i < slots.length(); i++) {
            hash = Interleaver.mix(hash, slots.get(i));
        }
        int count = (int) get(COUNT, pending);
        for (int i = 0; i < count; i++) {
            long span = 0;
            for (Field part : SPANS) {
                span = Interleaver.mix(span, ((long[]) get(part, pending))[i]);
            }
            hash += span;
        }
        hash = mix(mix(hash, recent), recentUpper);
        hash = Interleaver.mix(hash, tables.isTracked() ? 1 : 0);
        for (int level = 0; level <= tables.rootLevel; level++) {
            boolean maps = (tables.leaves.mapped() >>> level & 1) != 0;
            hash = Interleaver.mix(hash, (maps ? 2 : 0) + (tables.leaves.merges(level) ? 1 : 0));
        }
        for (UnreportedWrites.Block block :
                tables.unreported
                        .in(0, Long.MAX_VALUE, false, tables.unreported.tracking())
                        .values()) {
            hash = Interleaver.mix(hash + block.leafShift(), Arrays.hashCode(block.pages()));
        }
        return hash;
    }

    private static long mix(long hash, long[] hints) {
        long mixed = hash;
        for (int i = 0; i < hints.length; i++) {
            mixed = hints[i] == 0 ? mixed : Interleaver.mix(mixed + i, hints[i]);
        }
        return mixed;
    }

    private static Field field(Class<?> type, String name) {
        try {
            Field field = type.getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (NoSuchFieldException e) {
            throw new AssertionError(
                    type + " has changed; the states of an exploration must know what it shares",
                    e);
        }
    }

    private static Object get(Field field, Object object) {
        try {
            return field.get(object);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }
}
