package org.iommu4j.inspector;

import static org.assertj.core.api.Assertions.assertThat;

import org.iommu4j.inspector.RootTables.Candidate;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.Test;

class RootTablesTest {

    @Test
    void theFullerRootTableRanksFirst() {
        TestTables tables = new TestTables(Mode.LEGACY);
        tables.attach(TestTables.DEVICE, 1, tables.page());
        tables.attach(SourceId.parse("00:05.0"), 2, tables.page());
        long poorer = tables.page();
        long contexts = tables.page();
        tables.store(poorer + 16, contexts | 1);
        tables.store(contexts, tables.page() | 1);
        tables.store(contexts + 8, 0x102);
        assertThat(RootTables.find(tables.view(), Progress.NONE))
                .extracting(candidate -> candidate.root().table())
                .startsWith(tables.root, poorer);
    }

    @Test
    void oneUnsoundContextEntryDoesNotHideARootTable() {
        TestTables tables = new TestTables(Mode.LEGACY);
        tables.attach(TestTables.DEVICE, 1, tables.page());
        tables.attach(SourceId.parse("00:05.0"), 2, tables.page());
        tables.attach(SourceId.parse("00:06.0"), 3, tables.page() | 0xff0);
        assertThat(RootTables.find(tables.view(), Progress.NONE))
                .extracting(Candidate::root)
                .startsWith(tables.pointer());
    }

    @Test
    void scalableModeIsToldFromLegacy() {
        TestTables tables = new TestTables(Mode.SCALABLE);
        tables.attachPasid(TestTables.DEVICE, 1, tables.page() | 2 << 6 | 2 << 2, 0);
        assertThat(RootTables.find(tables.view(), Progress.NONE))
                .extracting(Candidate::root)
                .startsWith(tables.pointer());
    }

    @Test
    void nothingIsFoundWhereNothingIs() {
        assertThat(RootTables.find(new TestTables(Mode.LEGACY).view(), Progress.NONE)).isEmpty();
    }
}
