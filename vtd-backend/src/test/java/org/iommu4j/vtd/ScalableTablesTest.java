package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Stage;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Scalable mode bit by bit: what an attach writes, in which order, and what the unit is asked. */
class ScalableTablesTest {

    private static final SourceId LOWER = SourceId.parse("00:02.0");
    private static final SourceId UPPER = SourceId.parse("00:1f.7");
    private static final long CACHING = ScriptedUnit.SCALABLE_CAP | 1 << 7;

    private final ScriptedMachine machine = new ScriptedMachine();
    private final PhysicalMemory memory = machine.memory();
    private final CapturingAllocator pages = new CapturingAllocator();

    @AfterEach
    void L1_closeReturnsEveryPage() {
        assertThat(pages.taken()).isZero();
    }

    @Test
    void aUnitIsTakenOverInScalableMode() {
        ScriptedUnit unit = machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
        try (Iommu iommu = open()) {
            assertThat(unit.get64(UnitRegisters.RTADDR) & 0xfff).isEqualTo(0x400);
            assertThat(unit.get64(UnitRegisters.IQA) & 0xfff).isEqualTo(0x800);
            assertThat(unit.carriedOut)
                    .extracting(Descriptor::low)
                    .containsExactly(0x11L, 0x37L, 0xd2L);
            assertThat(iommu.capabilities().features())
                    .contains(
                            Feature.FIRST_STAGE,
                            Feature.SECOND_STAGE,
                            Feature.PASS_THROUGH,
                            Feature.PASID,
                            Feature.PAGE_REQUESTS,
                            Feature.COHERENT_WALKS);
        }
    }

    @Test
    void theSecondStageIsNamedByThePasidEntryOfRequestsWithoutPasid() {
        ScriptedUnit unit = machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            unit.carriedOut.clear();
            try (Attachment attachment = iommu.attach(UPPER, domain)) {
                assertThat(attachment.pasid()).isEqualTo(SourceId.NO_PASID);
                assertThat(unit.carriedOut).isEmpty();
                long context = contextEntry(unit, UPPER);
                assertThat(memory.loadPlain(context) & 0xfff).isEqualTo(0x409);
                assertThat(words(context + 8, 3)).containsOnly(0L);
                long entry = pasidEntry(context, 0);
                assertThat(memory.loadPlain(entry)).isEqualTo(root(domain) | 0x89);
                assertThat(memory.loadPlain(entry + 8)).isEqualTo(1 << 23 | 1);
                assertThat(words(entry + 16, 6)).containsOnly(0L);
                long directory = memory.loadPlain(context) & -0x1000;
                assertThat(words(directory + 8, 511)).containsOnly(0L);
                assertThat(words(entry + 64, 63 * 8)).containsOnly(0L);
            }
        }
    }

    @Test
    void theFirstStageIsNamedWithItsLevelsAndMemoryTypes() {
        ScriptedUnit unit =
                machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP | 1 << 25);
        try (Iommu iommu = open();
                IommuDomain four = iommu.createDomain(first());
                IommuDomain five = iommu.createDomain(first().withAddressWidth(56))) {
            try (Attachment _ = iommu.attach(LOWER, four);
                    Attachment _ = iommu.attach(LOWER, 0x7fff, five)) {
                long context = contextEntry(unit, LOWER);
                long entry = pasidEntry(context, 0);
                assertThat(memory.loadPlain(entry)).isEqualTo(0x41);
                assertThat(memory.loadPlain(entry + 8)).isEqualTo(0x0656_0146_0080_0001L);
                assertThat(memory.loadPlain(entry + 16)).isEqualTo(root(four));
                entry = pasidEntry(context, 0x7fff);
                assertThat(memory.loadPlain(entry + 8)).isEqualTo(0x0656_0146_0080_0002L);
                assertThat(memory.loadPlain(entry + 16)).isEqualTo(root(five) | 4);
            }
        }
    }

    @Test
    void passThroughNamesNoTables() {
        ScriptedUnit unit = machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(passThrough())) {
            unit.carriedOut.clear();
            try (Attachment _ = iommu.attach(LOWER, 3, domain)) {
                long entry = pasidEntry(contextEntry(unit, LOWER), 3);
                assertThat(words(entry, 3)).containsExactly(0x10dL, 1L, 0L);
            }
            assertThat(lows(unit))
                    .containsExactly(0x31L | 0x10L << 32, 0x3_0001_0017L, 0x3_0001_0026L);
        }
    }

    @Test
    void L3_passThroughOfLegacyModeIsATranslationTypeOfTheContextEntry() {
        ScriptedUnit unit = machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP | 1 << 6);
        ScriptedUnit without = machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP);
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(passThrough())) {
            assertThat(iommu.capabilities().has(Feature.PASS_THROUGH)).isFalse();
            try (Attachment _ = iommu.attach(LOWER, domain)) {
                long table = memory.loadPlain(unit.get64(UnitRegisters.RTADDR)) & -0x1000;
                assertThat(words(table + 0x10 * 16, 2)).containsExactly(0x9L, 0x103L);
            }
            without.written.clear();
            assertThatThrownBy(() -> iommu.attach(SourceId.parse("01:02.0"), domain))
                    .isInstanceOfSatisfying(
                            UnsupportedFeatureException.class,
                            e -> assertThat(e.feature()).isEqualTo(Feature.PASS_THROUGH));
            assertThat(without.written).isEmpty();
        }
    }

    @Test
    void L2_anEntryGoesAbsentThenForgottenThenEmpty() {
        ScriptedUnit unit = machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(first());
                IommuDomain other = iommu.createDomain(DomainOptions.defaults())) {
            Attachment plain = iommu.attach(LOWER, other);
            Attachment seven = iommu.attach(LOWER, 7, domain);
            long context = contextEntry(unit, LOWER);
            long entry = pasidEntry(context, 7);
            List<Long> seen = new ArrayList<>();
            unit.carriedOut.clear();
            unit.watch(_ -> seen.add(memory.loadPlain(entry)));
            seven.close();
            assertThat(seen).containsExactly(0x40L, 0x40L);
            assertThat(lows(unit)).containsExactly(0x7_0001_0017L, 0x7_0001_0026L);
            assertThat(words(entry, 8)).containsOnly(0L);
            assertThat(memory.loadPlain(context) & 1).isEqualTo(1);
            unit.carriedOut.clear();
            unit.watch(_ -> assertThat(memory.loadPlain(context) & 1).isZero());
            plain.close();
            assertThat(lows(unit)).containsExactly(0x10_0000_0031L, 0x2_0017L, 0x2_00e2L);
            assertThat(words(context, 4)).containsOnly(0L);
        }
    }

    @Test
    void whatWasAbsentIsForgottenWhereItIsCached() {
        ScriptedUnit unit = machine.with(CACHING, ScriptedUnit.SCALABLE_ECAP);
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(first());
                IommuDomain other = iommu.createDomain(DomainOptions.defaults())) {
            unit.carriedOut.clear();
            try (Attachment _ = iommu.attach(LOWER, 1, domain);
                    Attachment _ = iommu.attach(LOWER, other)) {
                assertThat(lows(unit))
                        .containsExactly(
                                0x10_0000_0031L, 0x1_0000_0017L, 0x1_0001_0026L, 0x17L, 0x2_00e2L);
            }
        }
    }

    @Test
    void G7_everyPasidOfAFirstStageDomainIsAskedOnEveryUnit() {
        ScriptedUnit unit = machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
        ScriptedUnit second = machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(first())) {
            Attachment plain = iommu.attach(LOWER, domain);
            try (Attachment _ = iommu.attach(LOWER, 1, domain);
                    Attachment _ = iommu.attach(UPPER, 1, domain);
                    Attachment _ = iommu.attach(SourceId.parse("01:02.0"), 9, domain)) {
                domain.map(0, 0, 0x20_0000, Access.READ_WRITE);
                unit.carriedOut.clear();
                second.carriedOut.clear();
                domain.unmap(0x5000, 0x1000);
                Descriptor without = new Descriptor(0x1_0036L, 9);
                Descriptor one = new Descriptor(0x1_0001_0036L, 9);
                assertThat(unit.carriedOut).containsExactlyInAnyOrder(without, one);
                assertThat(second.carriedOut).containsExactly(new Descriptor(0x9_0001_0036L, 9));
                plain.close();
                unit.carriedOut.clear();
                domain.unmap(0x6000, 0x1000);
                assertThat(unit.carriedOut).containsExactly(new Descriptor(0x1_0001_0036L, 0x6040));
                unit.carriedOut.clear();
                assertThat(domain.statistics().invalidations().page()).isEqualTo(2);
            }
        }
    }

    @Test
    void G7_aSecondStageDomainIsAskedByItsIdAlone() {
        ScriptedUnit unit = machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            try (Attachment _ = iommu.attach(LOWER, 1, domain);
                    Attachment _ = iommu.attach(LOWER, 2, domain)) {
                domain.map(0x5000, 0x5000, 0x1000, Access.READ);
                unit.carriedOut.clear();
                domain.unmap(0x5000, 0x1000);
                assertThat(unit.carriedOut).containsExactly(new Descriptor(0x1_00f2L, 0x5040));
            }
        }
    }

    @Test
    void G7_aDomainIsOnUnitsOfBothModes() {
        ScriptedUnit scalable = machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
        ScriptedUnit legacy = machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP);
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
                IommuDomain through = iommu.createDomain(passThrough())) {
            assertThat(iommu.capabilities().features())
                    .contains(Feature.SECOND_STAGE)
                    .doesNotContain(Feature.FIRST_STAGE, Feature.PASID);
            iommu.attach(UPPER, through).close();
            try (Attachment _ = iommu.attach(LOWER, 1, domain);
                    Attachment _ = iommu.attach(SourceId.parse("01:02.0"), domain)) {
                domain.map(0x5000, 0x5000, 0x1000, Access.READ);
                scalable.carriedOut.clear();
                legacy.carriedOut.clear();
                domain.unmap(0x5000, 0x1000);
                Descriptor page = new Descriptor(0x1_00f2L, 0x5040);
                assertThat(scalable.carriedOut).containsExactly(page);
                assertThat(legacy.carriedOut).containsExactly(page);
            }
        }
    }

    @Test
    void M4_exhaustionChangesNothing() throws Exception {
        ScriptedUnit unit = machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            long before = pages.taken();
            long root = unit.get64(UnitRegisters.RTADDR) & -0x1000;
            try (AutoCloseable _ = pages.exhausted()) {
                assertThatThrownBy(() -> iommu.attach(LOWER, 1, domain))
                        .isInstanceOf(TableMemoryExhaustedException.class);
            }
            assertThat(pages.taken()).isEqualTo(before);
            assertThat(words(root, 512)).containsOnly(0L);
            Attachment one = iommu.attach(LOWER, 1, domain);
            assertThat(pages.taken()).isEqualTo(before + 3);
            try (AutoCloseable _ = pages.exhausted()) {
                assertThatThrownBy(() -> iommu.attach(LOWER, 64, domain))
                        .isInstanceOf(TableMemoryExhaustedException.class);
                iommu.attach(LOWER, 63, domain).close();
            }
            one.close();
            assertThat(pages.taken()).isEqualTo(before + 1);
        }
    }

    @Test
    void leavesOfAUnitThatCannotSetBitsAreMadeWithThem() {
        ScriptedUnit unit =
                machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP & ~(1L << 48));
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(first())) {
            assertThat(iommu.capabilities().has(Feature.COHERENT_WALKS)).isFalse();
            domain.map(0, 0, 0x1000, Access.READ);
            domain.map(0x1000, 0x1000, 0x1000, Access.READ_WRITE);
            domain.map(0x20_0000, 0x20_0000, 0x20_0000, Access.READ_WRITE);
            try (Attachment _ = iommu.attach(LOWER, domain)) {
                long entry = pasidEntry(contextEntry(unit, LOWER), 0);
                assertThat(memory.loadPlain(entry + 8)).isEqualTo(1);
            }
            assertThat(leaf(domain, 0)).isEqualTo(0x25);
            assertThat(leaf(domain, 0x1000)).isEqualTo(0x1067);
            try (IotlbGather gather = domain.gather()) {
                domain.cut(0x20_1000, 0x1000, gather);
            }
            assertThat(leaf(domain, 0x20_1000)).isEqualTo(0x20_1067);
        }
    }

    /** Walks by hand to the entry of level 0. */
    private long leaf(IommuDomain domain, long iova) {
        long table = root(domain);
        for (int shift = 39; shift > 12; shift -= 9) {
            table = memory.loadPlain(table + (iova >>> shift & 0x1ff) * 8) & 0xf_ffff_ffff_f000L;
        }
        return memory.loadPlain(table + (iova >>> 12 & 0x1ff) * 8);
    }

    private static DomainOptions first() {
        return DomainOptions.defaults().withStage(Stage.FIRST);
    }

    private static DomainOptions passThrough() {
        return DomainOptions.defaults().withStage(Stage.PASS_THROUGH);
    }

    private static long root(IommuDomain domain) {
        return ((VtdDomain) domain).root();
    }

    private static List<Long> lows(ScriptedUnit unit) {
        return unit.carriedOut.stream().map(Descriptor::low).toList();
    }

    /** Root table: 16 bytes a bus, of which the upper half is for devices 16 to 31. */
    private long contextEntry(ScriptedUnit unit, SourceId device) {
        long root = unit.get64(UnitRegisters.RTADDR) & -0x1000;
        int function = device.requester() & 0xff;
        long slot = root + device.bus() * 16L + (function < 0x80 ? 0 : 8);
        assertThat(memory.loadPlain(slot) & 0xfff).isEqualTo(1);
        return (memory.loadPlain(slot) & -0x1000) + (function & 0x7f) * 32L;
    }

    private long pasidEntry(long context, int pasid) {
        long directory = memory.loadPlain(context) & -0x1000;
        long slot = memory.loadPlain(directory + (pasid >>> 6) * 8L);
        assertThat(slot & 0xfff).isEqualTo(1);
        return (slot & -0x1000) + (pasid & 0x3f) * 64L;
    }

    private List<Long> words(long address, int count) {
        List<Long> words = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            words.add(memory.loadPlain(address + i * 8L));
        }
        return words;
    }

    private Iommu open() {
        return Iommu.open(
                "vtd", IommuOptions.on(machine).with(TableAllocatorProvider.class, pages));
    }
}
