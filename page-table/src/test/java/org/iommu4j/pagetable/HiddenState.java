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
    private static final Field STRIPES = field(Stripes.class, "stripes");
    private static final Field WORDS = field(Stripe.class, "words");
    private static final Field SPANS = field(Stripe.class, "spans");
    private static final int AFTER = constant("AFTER");
    private static final int FIRST_SPAN = constant("FIRST_SPAN");
    private static final int SPAN = constant("SPAN");
    private static final Field RECENT = field(RecentTables.class, "pages");

    private final AtomicLongArray slots;
    private final Stripe[] stripes;
    private final long[] recent;
    private final long[] recentUpper;
    private final Tables tables;

    HiddenState(PageTable engine) {
        this.slots = (AtomicLongArray) get(SLOTS, get(EMPTY_TABLES, engine));
        this.tables = (Tables) get(TABLES, engine);
        this.stripes = (Stripe[]) get(STRIPES, tables.stripes);
        this.recent = (long[]) get(RECENT, tables.recent);
        this.recentUpper = (long[]) get(RECENT, tables.recentUpper);
    }

    long hash() {
        long hash = 0;
        for (int i = 0; i < slots.length(); i++) {
            hash = Interleaver.mix(hash, slots.get(i));
        }
        for (Stripe stripe : stripes) {
            hash += spans((long[]) get(WORDS, stripe), (long[]) get(SPANS, stripe));
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

    private static long spans(long[] words, long[] spans) {
        long hash = 0;
        for (int at = FIRST_SPAN; at < words[AFTER]; at += SPAN) {
            long span = 0;
            for (int part = 0; part < SPAN; part++) {
                span = Interleaver.mix(span, spans[at + part]);
            }
            hash += span;
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

    private static int constant(String name) {
        return (int) get(field(Stripe.class, name), Stripe.class);
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
