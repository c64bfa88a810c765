package org.iommu4j.inspector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.iommu4j.inspector.TestTables.DEVICE;

import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.Test;

/** What an inspection counts, and every kind of finding. */
class InspectionTest {
    private static final SourceId OTHER = SourceId.parse("00:05.0");

    private final TestTables tables = new TestTables(Mode.LEGACY);
    private final long space = tables.page();

    InspectionTest() {
        tables.attach(DEVICE, 7, space);
    }

    @Test
    void leavesTablesAndRunsAreCounted() {
        tables.map(space, 0x1000, 0x10_0000_1000L, 0);
        tables.map(space, 0x2000, 0x10_0000_2000L, 0);
        tables.map(space, 0x20_0000, 0x10_0020_0000L, 1);
        tables.map(space, 0x4000_0000, 0x10_4000_0000L, 2);
        Inspection inspection = tables.inspect();
        assertThat(inspection.findings()).isEmpty();
        DeviceTables device = inspection.devices().getFirst();
        assertThat(device.name()).isEqualTo("00:04.0");
        assertThat(device.domainId()).isEqualTo(7);
        AddressSpace found = device.space().orElseThrow();
        assertThat(found.leaves().values()).containsExactly(2L, 1L, 1L);
        assertThat(found.tablePages()).isEqualTo(4);
        assertThat(found.mappedBytes()).isEqualTo((1L << 30) + (2 << 20) + 0x2000);
        assertThat(found.runs())
                .containsExactly(
                        new Run(0x1000, 0x10_0000_1000L, 0x2000, 3, 2),
                        new Run(0x20_0000, 0x10_0020_0000L, 2 << 20, 3, 1),
                        new Run(0x4000_0000, 0x10_4000_0000L, 1 << 30, 3, 1));
    }

    @Test
    void rightsAreThoseOfTheWholePath() {
        long leaf = tables.path(space, 0x1000, 0, 1);
        tables.store(leaf, 0x10_0000_0003L);
        Inspection inspection = tables.inspect();
        assertThat(inspection.spaces().getFirst().runs().getFirst().rightsInWords())
                .isEqualTo("read-only");
    }

    @Test
    void devicesThatShareTablesAreCountedOnce() {
        tables.attach(OTHER, 7, space);
        tables.map(space, 0x1000, 0x10_0000_1000L, 0);
        Inspection inspection = tables.inspect();
        assertThat(inspection.devices())
                .extracting(DeviceTables::sharesTablesOfEarlierDevice)
                .containsExactly(false, true);
        assertThat(inspection.spaces()).hasSize(1);
        assertThat(inspection.findings()).isEmpty();
    }

    @Test
    void reservedBitsAreErrors() {
        tables.store(tables.path(space, 0x1000, 1, 3), tables.page() | 0x803);
        assertFound(Severity.ERROR, "reserved bits are set in a table entry of level 1: 0x800");
    }

    @Test
    void addressesBeyondTheHostsWidthAreReserved() {
        tables.map(space, 0x1000, 1L << 46, 0);
        assertFound(Severity.ERROR, "fault reason 0xc");
    }

    @Test
    void misalignedLargeLeavesAreErrors() {
        tables.map(space, 0x20_0000, 0x10_0000_1000L, 1);
        assertFound(Severity.ERROR, "a leaf of 2 MiB is not aligned");
    }

    @Test
    void tablesThatAreNotThereAreErrors() {
        tables.store(tables.path(space, 0x1000, 1, 3), 0x7000_0003L);
        assertFound(Severity.ERROR, "0x70000000 of level 0 is not in the image");
    }

    @Test
    void loopsAreErrors() {
        tables.store(tables.path(space, 0x1000, 2, 3), space | 3);
        assertFound(Severity.ERROR, "a loop: the table " + Hex.of(space));
    }

    @Test
    void aTableReachedTwiceIsAWarning() {
        long shared = tables.page();
        tables.store(tables.path(space, 0, 1, 3), shared | 3);
        tables.store(tables.path(space, 0x20_0000, 1, 3), shared | 3);
        assertFound(Severity.WARNING, "is reached a second time");
    }

    @Test
    void theVtdTablesThemselvesMustNotBeMappedWritable() {
        tables.map(space, 0x9000, space, 0);
        assertFound(Severity.ERROR, "devices can write 1 of the VT-d tables themselves");
    }

    @Test
    void theInterruptRangeIsWatchedOnBothSides() {
        tables.map(space, 0xfee0_0000L, 0x10_0000_0000L, 0);
        assertFound(Severity.WARNING, "a page of the interrupt range is mapped");
        tables.map(space, 0x1000, 0xfee0_1000L, 0);
        assertFound(Severity.ERROR, "translates into the interrupt range: 0xfee01000");
        tables.map(space, 0x8000_0000L, 0xc000_0000L, 2);
        assertFound(Severity.NOTE, "a leaf of 1 GiB covers the interrupt range");
    }

    @Test
    void memoryThatTwoDomainsCanWriteIsAWarning() {
        long other = tables.page();
        tables.attach(OTHER, 8, other);
        tables.map(space, 0x20_0000, 0x10_0020_0000L, 1);
        tables.map(other, 0x5000, 0x10_0020_3000L, 0);
        assertFound(
                Severity.WARNING,
                "two domains can write the same memory: 4 KiB within 0x1000203000-0x1000204000");
    }

    @Test
    void oneDomainIdHasOneRoot() {
        tables.attach(OTHER, 7, tables.page());
        assertFound(Severity.ERROR, "domain id 7 is used with different roots");
    }

    @Test
    void contextEntriesMustBeLegal() {
        long contexts = tables.memory.loadAcquire(tables.root) & -4096;
        tables.store(contexts + 0x28 * 16, tables.page() | 0xd);
        assertFound(Severity.ERROR, "translation type 3; 0 to 2 are legal");
        tables.store(contexts + 0x30 * 16, tables.page() | 1);
        tables.store(contexts + 0x30 * 16 + 8, 5);
        assertFound(Severity.ERROR, "address width (AW) 5");
        tables.store(contexts + 0x38 * 16, tables.page() | 0x11);
        assertFound(Severity.ERROR, "reserved bits are set in the context entry");
    }

    @Test
    void passThroughHasNoTables() {
        long contexts = tables.memory.loadAcquire(tables.root) & -4096;
        tables.store(contexts + 0x28 * 16, 0x9);
        Inspection inspection = tables.inspect();
        assertThat(inspection.devices().getLast().translation())
                .isEqualTo(Translation.PASS_THROUGH);
        assertThat(inspection.hasErrors()).isFalse();
    }

    @Test
    void scalableModeHasBothStages() {
        TestTables scalable = new TestTables(Mode.SCALABLE);
        long second = scalable.page();
        long first = scalable.page();
        scalable.attachPasid(DEVICE, 1, second | 2 << 6 | 2 << 2, 0);
        scalable.attachPasid(OTHER, 2, 1 << 6, first);
        scalable.map(second, 0x1000, 0x10_0000_0000L, 0);
        scalable.store(scalable.path(first, 0x7000, 0, 7), 0x10_0000_1067L);
        Inspection inspection = scalable.inspect();
        assertThat(inspection.findings()).isEmpty();
        assertThat(inspection.devices())
                .extracting(device -> device.translation().code())
                .containsExactly("ss", "fs");
        assertThat(inspection.spaces().getLast().dirty()).isEqualTo(1);
        assertThat(inspection.spaces().getLast().runs().getFirst().iova()).isEqualTo(0x7000);
    }

    @Test
    void aRootTableThatIsNotThereIsRefused() {
        assertThatThrownBy(() ->
                        Inspection.of(
                                tables.view(),
                                RootPointer.parse("0x7000000000"),
                                46,
                                Progress.NONE))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("0x7000000000 is not in the image, which holds 0x0-0x400000");
    }

    private void assertFound(Severity severity, String what) {
        assertThat(tables.inspect().findings())
                .anySatisfy(finding -> {
                    assertThat(finding.severity()).isEqualTo(severity);
                    assertThat(finding.what()).contains(what);
                    assertThat(finding.where()).contains("0").isNotBlank();
                });
    }
}
