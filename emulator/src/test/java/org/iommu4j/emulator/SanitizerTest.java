package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.machine.SourceId.NO_PASID;

import java.util.List;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Sanitizer.Finding;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.Test;

/** What the sanitizer makes of what it hears, word by word: its exact rule, and its leniency. */
class SanitizerTest {

    private static final long MEMORY = 1 << 20;
    private static final long ROOT = MEMORY;
    private static final long OTHER = MEMORY + 0x1000;
    private static final long TABLE = MEMORY + 0x2000;
    private static final long PAGE = 0x1000;
    private static final SourceId DEVICE = new SourceId(0, 0, 1, 0);
    private static final int REQUESTER = DEVICE.requester();

    private final EmulatorOptions options =
            EmulatorOptions.legacy().memory(MEMORY).tableMemory(MEMORY);
    private final PhysicalMemory memory = PhysicalMemory.allocate(2 * MEMORY);
    private final TranslationSanitizer sanitizer =
            new TranslationSanitizer(options, memory, new Moments(), null);
    private final Audit unit = sanitizer.audit();

    private List<String> rules() {
        return sanitizer.findings().stream().map(Finding::rule).toList();
    }

    private void use(long asOf, long begun) {
        unit.used(REQUESTER, NO_PASID, ROOT, ROOT, 0x5000, false, asOf, begun);
    }

    @Test
    void G2_onlyWhatWasRemovedBeforeACompletedInvalidation() {
        long known = unit.moment();
        long early = sanitizer.moment();
        sanitizer.unmapping(ROOT, 0x5000, PAGE);
        sanitizer.unmapped(ROOT, 0x5000, PAGE);
        long late = sanitizer.moment();
        use(known, unit.moment());
        sanitizer.invalidated(ROOT, 0, 2 * PAGE, false, late);
        use(known, unit.moment());
        sanitizer.invalidated(ROOT, 0, 16 * PAGE, false, early);
        use(known, unit.moment());
        assertThat(rules()).as("nothing that covers it and came after it").isEmpty();
        long before = unit.moment();
        sanitizer.invalidated(ROOT, 0, 16 * PAGE, false, late);
        use(known, before);
        use(unit.moment(), unit.moment());
        assertThat(rules()).as("a DMA that began before, a newer translation").isEmpty();
        use(known, unit.moment());
        assertThat(rules()).containsExactly("G2");
        sanitizer.mapped(ROOT, 0x5000, PAGE);
        use(known, unit.moment());
        assertThat(rules()).as("mapped again, it is stale all the same").hasSize(2);
    }

    @Test
    void G2_onlyAnInvalidationOfAllThatWentWithIt() {
        long known = unit.moment();
        sanitizer.unmapped(ROOT, 0, 16 * PAGE);
        sanitizer.invalidated(ROOT, 0x5000, PAGE, false, sanitizer.moment());
        use(known, unit.moment());
        assertThat(rules()).as("a larger translation may still be held").isEmpty();
        sanitizer.invalidated(ROOT, 0, 16 * PAGE, false, sanitizer.moment());
        sanitizer.invalidated(ROOT, 0x5000, PAGE, false, sanitizer.moment());
        use(known, unit.moment());
        assertThat(rules()).containsExactly("G2");
    }

    @Test
    void G3_onlyAnInvalidationOfTheStructure() {
        sanitizer.tableLinked(ROOT, TABLE);
        long reached = unit.moment();
        sanitizer.tableUnlinked(ROOT, TABLE);
        sanitizer.unmapped(ROOT, 0, 16 * PAGE);
        sanitizer.invalidated(ROOT, 0, 16 * PAGE, false, sanitizer.moment());
        use(unit.tableRead(ROOT, TABLE, 3, reached, true), unit.moment());
        assertThat(rules()).isEmpty();
        sanitizer.invalidated(ROOT, 0, 16 * PAGE, true, sanitizer.moment());
        use(unit.tableRead(ROOT, TABLE, 3, reached, true), unit.moment());
        assertThat(rules()).containsExactly("G3");
    }

    @Test
    void G1_aPageThatWasReturnedOrIsAnotherTable() {
        sanitizer.tableLinked(ROOT, TABLE);
        long reached = unit.moment();
        assertThat(unit.tableRead(ROOT, TABLE, 3, reached, true)).isEqualTo(unit.moment());
        sanitizer.tableUnlinked(ROOT, TABLE);
        long unlinked = unit.moment();
        sanitizer.moment();
        assertThat(unit.tableRead(ROOT, TABLE, 3, reached, true))
                .isBetween(unlinked, unit.moment() - 1);
        assertThat(rules()).isEmpty();
        sanitizer.tableReturned(ROOT, TABLE);
        unit.tableRead(ROOT, TABLE, 3, reached, true);
        assertThat(rules()).containsExactly("G1");
        sanitizer.tableLinked(OTHER, TABLE);
        unit.tableRead(OTHER, TABLE, 3, unit.moment(), true);
        assertThat(rules()).hasSize(1);
        unit.tableRead(ROOT, TABLE, 3, reached, true);
        assertThat(rules()).containsExactly("G1", "G1");
    }

    @Test
    void L2_aTranslationOfTablesThatTheDeviceHasLeftOrNeverHad() {
        sanitizer.attaching(DEVICE, NO_PASID, ROOT);
        use(unit.moment(), unit.moment());
        long before = unit.moment();
        sanitizer.detached(DEVICE, NO_PASID, ROOT);
        sanitizer.attaching(DEVICE, NO_PASID, OTHER);
        unit.used(REQUESTER, NO_PASID, OTHER, ROOT, 0, false, before, before);
        unit.used(REQUESTER, NO_PASID, OTHER, OTHER, 0, false, unit.moment(), unit.moment());
        unit.used(REQUESTER + 1, NO_PASID, ROOT, ROOT, 0, false, unit.moment(), unit.moment());
        assertThat(rules()).as("begun before, attached, never spoken of").isEmpty();
        unit.used(REQUESTER, NO_PASID, OTHER, ROOT, 0, false, before, unit.moment());
        assertThat(rules()).containsExactly("L2");
        unit.used(REQUESTER, NO_PASID, OTHER, TABLE, 0, false, before, unit.moment());
        assertThat(rules()).containsExactly("L2", "L2");
        sanitizer.attaching(DEVICE, NO_PASID, ROOT);
        use(unit.moment(), unit.moment());
        assertThat(rules()).hasSize(2);
    }

    @Test
    void S1_aFaultOnlyWhereTheTablesMap() {
        sanitizer.tableLinked(ROOT, ROOT);
        unit.tables(ROOT, 1, SecondStageEntry.FORMAT);
        long before = unit.moment();
        sanitizer.mapped(ROOT, 0x5000, PAGE);
        unit.blocked(REQUESTER, NO_PASID, ROOT, 0x5000, false, 6, unit.moment());
        assertThat(rules()).as("the tables do not map it").isEmpty();
        memory.storeRelease(ROOT + 5 * 8, 0x1000 | 1);
        unit.blocked(REQUESTER, NO_PASID, ROOT, 0x5000, true, 5, unit.moment());
        unit.blocked(REQUESTER, NO_PASID, ROOT, 0x5000, false, 6, before);
        assertThat(rules()).as("it is not writable; the DMA began before").isEmpty();
        unit.blocked(REQUESTER, NO_PASID, ROOT, 0x5000, false, 6, unit.moment());
        assertThat(rules()).containsExactly("S1");
        sanitizer.unmapping(ROOT, 0x5000, PAGE);
        unit.blocked(REQUESTER, NO_PASID, ROOT, 0x5000, false, 6, unit.moment());
        assertThat(rules()).hasSize(1);
    }

    @Test
    void U1_whatIsSaidToBeUnmappedIsNot() {
        sanitizer.tableLinked(ROOT, ROOT);
        unit.tables(ROOT, 1, SecondStageEntry.FORMAT);
        memory.storeRelease(ROOT + 5 * 8, 0x1000 | 3);
        sanitizer.unmapping(ROOT, 0x4000, PAGE);
        sanitizer.unmapped(ROOT, 0x4000, PAGE);
        assertThat(rules()).isEmpty();
        sanitizer.unmapping(ROOT, 0x4000, 4 * PAGE);
        sanitizer.unmapped(ROOT, 0x4000, 4 * PAGE);
        assertThat(rules()).containsExactly("U1");
        assertThat(sanitizer.findings().getFirst().summary()).contains("0x5000");
    }
}
