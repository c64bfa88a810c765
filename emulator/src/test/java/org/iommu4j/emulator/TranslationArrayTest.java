package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Translations that are read while others take their places. */
class TranslationArrayTest {

    private static final int TAGS = 4;
    private static final int SPACE = 7;
    private static final int LOOKUPS = 10_000_000;

    private final TranslationArray array = new TranslationArray(12, 2, 1, null);

    @Test
    void whatIsFoundBelongsTogether() {
        AtomicBoolean done = new AtomicBoolean();
        CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> write(done));
        try {
            Translation found = new Translation();
            int hits = 0;
            for (int i = 0; i < LOOKUPS || hits < TAGS && !writing.isDone(); i++) {
                long page = i % TAGS;
                if (array.find(tag(page), SPACE, found)) {
                    requireWhole(found, page);
                    hits++;
                }
                int wanted = Translation.READ | Translation.WRITE;
                long physical = array.physical(tag(page), SPACE, i & 0xfff, wanted);
                if (physical >= 0) {
                    requireWritten(physical, page, i & 0xfff);
                }
            }
            assertThat(hits).isGreaterThanOrEqualTo(TAGS);
        } finally {
            done.set(true);
            writing.join();
        }
    }

    private static void requireWhole(Translation found, long page) {
        long number = found.base() >>> 12;
        if (number % TAGS != page
                || found.root() != number
                || found.asOf() != ~number
                || found.isWritten() != (number % 3 == 0)) {
            throw new AssertionError(
                    "page %s: base 0x%x, root 0x%x, as of %s"
                            .formatted(page, found.base(), found.root(), ~found.asOf()));
        }
    }

    private static void requireWritten(long physical, long page, long offset) {
        long number = physical >>> 12;
        if (number % TAGS != page || number % 3 != 0 || (physical & 0xfff) != offset) {
            throw new AssertionError("page %s: 0x%x".formatted(page, physical));
        }
    }

    private void write(AtomicBoolean done) {
        Translation translation = new Translation();
        int access = Translation.READ | Translation.WRITE | Translation.USER;
        for (long i = 0; !done.get(); i++) {
            translation.page(12, i << 12, access, i % 3 == 0, i, ~i);
            array.put(tag(i % TAGS), SPACE, translation);
            if (i % 16 == 0) {
                array.remove(tag(i % TAGS), SPACE);
            }
        }
    }

    private static long tag(long page) {
        return TagArray.Tagged.tag(1, page);
    }
}
