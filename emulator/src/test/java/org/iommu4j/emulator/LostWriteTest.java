package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.function.Consumer;
import org.iommu4j.emulator.HandDriver.Defect;
import org.iommu4j.machine.Sanitizer.Finding;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A device writes through a translation that was dirty before software cleared the bit: the write
 * is found as lost once the report is final, and not a moment earlier.
 */
class LostWriteTest {

    private static final long BLOCK = HandDriver.BLOCK;
    private static final int LEAF = 0;
    private static final int LARGE_LEAF = 1;

    private static EmulatorOptions unit(boolean firstStage) {
        return EmulatorOptions.legacy()
                .memory(16 << 20)
                .tableMemory(4 << 20)
                .caches(CacheBehaviour.KEEPS_EVERYTHING)
                .scalable(true)
                .firstStage(firstStage);
    }

    private static void finds(
            boolean firstStage, Defect defect, String text, Consumer<HandDriver> story) {
        try (HandDriver right = new HandDriver(unit(firstStage))) {
            story.accept(right);
            assertThat(right.sanitizer().findings()).isEmpty();
        }
        try (HandDriver wrong = new HandDriver(unit(firstStage), defect)) {
            story.accept(wrong);
            assertThat(wrong.sanitizer().findings())
                    .singleElement()
                    .satisfies(found -> {
                        assertThat(found.rule()).isEqualTo("D3");
                        assertThat(found.summary())
                                .containsSubsequence(
                                        "writes through a translation",
                                        "cleared that of the entry at 0x",
                                        "took its report for final",
                                        "in no report",
                                        text);
                        assertThat(found.history()).isNotEmpty();
                    });
        }
    }

    /** A page and a block, both written; the report clears the bit. */
    private static Consumer<HandDriver> reported(long iova, int level, Consumer<HandDriver> then) {
        return driver -> {
            driver.attach();
            driver.mapPage(0, BLOCK);
            driver.mapBlock(BLOCK, 2 * BLOCK);
            driver.write(iova, 1);
            assertThat(driver.report(iova, level)).isTrue();
            then.accept(driver);
        };
    }

    @ParameterizedTest
    @CsvSource({
        "true, CLEANED_AND_NOT_INVALIDATED, of no invalidation there",
        "false, CLEANED_AND_NOT_INVALIDATED, of no invalidation there",
        "true, CLEANED_AND_ANOTHER_DOMAIN_INVALIDATED, was of 0x0-0xfff",
        "false, CLEANED_AND_ANOTHER_DOMAIN_INVALIDATED, was of 0x0-0xfff",
    })
    void D3_theUnitKeepsAPageThatWasDirty(boolean firstStage, Defect defect, String text) {
        finds(firstStage, defect, text, reported(8, LEAF, driver -> driver.write(16, 2)));
    }

    @ParameterizedTest
    @CsvSource({
        "true, CLEANED_AND_NOT_INVALIDATED, of no invalidation there",
        "false, CLEANED_AND_A_PART_INVALIDATED, was of 0x200000-0x200fff",
        "true, CLEANED_AND_ANOTHER_DOMAIN_INVALIDATED, was of 0x200000-0x3fffff",
    })
    void D3_theUnitKeepsABlockThatWasDirty(boolean firstStage, Defect defect, String text) {
        finds(
                firstStage,
                defect,
                text,
                reported(BLOCK, LARGE_LEAF, driver -> driver.write(BLOCK + 8, 2)));
    }

    @Test
    void D3_anAtomicAdditionIsAWrite() {
        finds(
                false,
                Defect.CLEANED_AND_NOT_INVALIDATED,
                "of no invalidation there",
                reported(
                        8,
                        LEAF,
                        driver -> driver.device.fetchAndAdd(16, 2, ByteBuffer.allocate(8))));
    }

    @Test
    void readingThroughItLosesNothing() {
        try (HandDriver driver = new HandDriver(unit(false), Defect.CLEANED_AND_NOT_INVALIDATED)) {
            reported(8, LEAF, wrong -> wrong.read(16)).accept(driver);
            assertThat(driver.sanitizer().findings()).isEmpty();
        }
    }

    /** Until the report is final, whoever copies the page copies that write too. */
    @Test
    void aWriteBeforeTheReportIsFinalIsInIt() {
        try (HandDriver driver = new HandDriver(unit(false))) {
            driver.attach();
            driver.mapPage(0, BLOCK);
            driver.write(8, 1);
            long report = driver.witness.reporting(driver.root);
            assertThat(driver.clean(0, LEAF, report)).isTrue();
            driver.write(16, 2);
            assertThat(driver.sanitizer().findings()).isEmpty();
            driver.witness.reported(driver.root, report);
            driver.write(24, 3);
            assertThat(driver.sanitizer().findings())
                    .extracting(Finding::rule)
                    .containsExactly("D3");
        }
    }

    /** What one thread found nothing in says nothing of what another has cleared there. */
    @Test
    void anEmptyReportOfAnotherThreadMakesNothingFinal() throws Exception {
        try (HandDriver driver = new HandDriver(unit(false))) {
            driver.attach();
            driver.mapPage(0, BLOCK);
            driver.write(8, 1);
            long report = driver.witness.reporting(driver.root);
            assertThat(driver.clean(0, LEAF, report)).isTrue();
            Thread other = Thread.ofPlatform().start(() -> driver.report(0, LEAF));
            other.join();
            driver.write(16, 2);
            assertThat(driver.sanitizer().findings()).isEmpty();
        }
    }

    /** Tracking begins: what the unit knows from before sets no dirty bits. */
    @Test
    void D3_whatWasKnownBeforeTrackingBegan() {
        try (HandDriver driver = new HandDriver(unit(false).accessedDirty(false))) {
            driver.attach();
            driver.mapPage(0, BLOCK);
            driver.write(8, 1);
            long report = driver.witness.reporting(driver.root);
            driver.witness.cleaned(driver.root, 0, 1L << 39, report);
            driver.write(8, 2);
            assertThat(driver.sanitizer().findings()).isEmpty();
            driver.witness.reported(driver.root, report);
            driver.write(8, 3);
            assertThat(driver.sanitizer().findings()).hasSize(1);
            assertThat(driver.sanitizer().findings().getFirst().toString())
                    .startsWith("D3: ")
                    .contains("cleared all of them at ");
        }
    }

    @Test
    void aFindingTellsItsHistory() {
        try (HandDriver driver = new HandDriver(unit(false), Defect.CLEANED_AND_NOT_INVALIDATED)) {
            reported(8, LEAF, wrong -> wrong.write(16, 2)).accept(driver);
            String text = driver.sanitizer().findings().getFirst().toString();
            assertThat(text.toLowerCase(Locale.ROOT))
                    .containsSubsequence(
                            "d3: device 0x8, at 0x10, writes through a translation as of",
                            "has mapped 0x0-0xfff",
                            "changes 0x0-0xfff",
                            "has a final report of the dirty bits it cleared in 0x0-0xfff");
        }
    }
}
