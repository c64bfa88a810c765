package org.iommu4j.emulator;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The context cache: what the context entries said, by requester id.
 *
 * <p>Lookups take no lock; changes are made under that of {@link TranslationCaches}.
 */
final class ContextCache {

    private static final int SOURCES = 1 << 16;

    private final AtomicReferenceArray<@Nullable Context> contexts =
            new AtomicReferenceArray<>(SOURCES);
    private final @Nullable Dice dice;
    private int bound;

    ContextCache(@Nullable Dice dice) {
        this.dice = dice;
    }

    /** {@return what is known of a source, or null} */
    @Nullable Context find(int source) {
        Context found = contexts.get(source);
        return found != null && dice != null && dice.oneIn(8) ? null : found;
    }

    void put(Context context) {
        contexts.set(context.source(), context);
        bound = Math.max(bound, context.source() + 1);
    }

    /**
     * Drops what is known of some sources, where it names a domain.
     *
     * @param domain domain id
     * @param source requester id
     * @param functionMask 0 to 3: how many of the function number's bits do not count, highest
     *     first
     */
    void dropSource(int domain, int source, int functionMask) {
        int counts = ~(0b111 & ~(0b111 >>> functionMask));
        removeIf(found ->
                found.domain() == domain && (found.source() & counts) == (source & counts));
    }

    void dropDomain(int domain) {
        removeIf(found -> found.domain() == domain);
    }

    void dropAll() {
        removeIf(_ -> true);
    }

    private void removeIf(Predicate<Context> condition) {
        for (int source = 0; source < bound; source++) {
            Context found = contexts.getPlain(source);
            if (found != null && condition.test(found)) {
                contexts.set(source, null);
            }
        }
    }
}
