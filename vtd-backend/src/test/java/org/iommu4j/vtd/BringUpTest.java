package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.UnitTimeoutException;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.machine.SourceId;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Units are found, judged, taken over and left: by what is written to their registers. */
class BringUpTest {

    private static final SourceId DEVICE = SourceId.parse("00:01.0");
    private static final SourceId OTHER_DEVICE = SourceId.parse("01:01.0");
    private static final long NO_LARGE_PAGES = ScriptedUnit.CAP & ~(3L << 34);
    private static final long ONLY_39 = ScriptedUnit.CAP & ~(0x1fL << 8) | 1 << 9;
    private static final long CACHING = ScriptedUnit.CAP | 1 << 7;

    private final ScriptedMachine machine = new ScriptedMachine();
    private final CapturingAllocator pages = new CapturingAllocator();

    @AfterEach
    void L1_closeReturnsEveryPage() {
        assertThat(pages.taken()).isZero();
    }

    @Test
    void aUnitIsTakenOverInOrderAndLeftQuiet() {
        ScriptedUnit unit = machine.with(ScriptedUnit.CAP | 1 << 5, ScriptedUnit.ECAP);
        unit.put(UnitRegisters.PMEN, 0x8000_0001);
        unit.put(UnitRegisters.GSTS, 1 << 25);
        try (Iommu iommu = open()) {
            assertThat(iommu.backend()).isEqualTo("vtd");
            assertThat(commands(unit))
                    .containsExactly("0x18=0x6000000", "0x18=0x46000000", "0x18=0x86000000");
            assertThat(unit.carriedOut)
                    .extracting(descriptor -> descriptor.low() & 0x3f)
                    .containsExactly(0x11L, 0x12L);
            assertThat(unit.get64(UnitRegisters.RTADDR) & 0xfff).isZero();
            assertThat(unit.get(UnitRegisters.PMEN)).isZero();
            assertThat(unit.get(UnitRegisters.FECTL)).isEqualTo(1 << 31);
            unit.written.clear();
        }
        assertThat(commands(unit)).containsExactly("0x18=0x6000000", "0x18=0x2000000");
        assertThat(unit.get(UnitRegisters.GSTS)).isEqualTo(1 << 25);
    }

    @Test
    void aUnitThatFirmwareLeftOnIsTakenOver() {
        ScriptedUnit unit = machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP);
        unit.put(UnitRegisters.GSTS, ScriptedUnit.TE | ScriptedUnit.QIE);
        unit.put64(UnitRegisters.IQH, 0x40);
        unit.put64(UnitRegisters.IQT, 0x60);
        unit.put(UnitRegisters.FSTS, UnitRegisters.FSTS_PFO | UnitRegisters.FSTS_IQE);
        try (Iommu iommu = open()) {
            assertThat(commands(unit))
                    .startsWith("0x18=0x4000000", "0x18=0x0", "0x18=0x4000000")
                    .endsWith("0x18=0x84000000");
            assertThat(unit.get(UnitRegisters.FSTS)).isZero();
            assertThat(iommu.capabilities().has(Feature.ATTACH)).isTrue();
        }
    }

    @Test
    void whatCannotBeDrivenIsRefused() {
        refused(ScriptedUnit.CAP, 1, "no invalidation queue: ECAP.QI is 0");
        refused(ScriptedUnit.CAP & ~(0x1fL << 8), ScriptedUnit.ECAP, "none of 39, 48 and 57 bits");
        refused(ScriptedUnit.CAP | 0x3ffL << 24, ScriptedUnit.ECAP, "fault records up to 0x4000");
        machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP).put(UnitRegisters.VER, -1);
        assertThatThrownBy(this::open).hasMessageContaining("nothing answers as the unit at 0xfed");
    }

    private void refused(long cap, long ecap, String why) {
        ScriptedMachine one = new ScriptedMachine();
        ScriptedUnit unit = one.with(cap, ecap);
        assertThatThrownBy(() -> Iommu.open("vtd", IommuOptions.on(one)))
                .isInstanceOf(IommuException.class)
                .hasMessageContaining(why);
        assertThat(unit.written).isEmpty();
    }

    @Test
    void aMachineWithoutUnitsIsRefused() {
        assertThatThrownBy(this::open)
                .isInstanceOf(UnsupportedFeatureException.class)
                .hasMessageContaining("no remapping unit")
                .hasMessageContaining("IommuOptions.memoryOnly");
    }

    @Test
    void T3_aUnitThatDoesNotAnswerIsATimeOut() {
        ScriptedUnit unit = machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP);
        unit.deafTo(ScriptedUnit.TE);
        assertThatThrownBy(this::openHastily)
                .isInstanceOf(UnitTimeoutException.class)
                .hasMessageContaining("GSTS.TES 1")
                .hasMessageContaining("GSTS is 0x4000000");
        assertThat(unit.get(UnitRegisters.GSTS) & ScriptedUnit.QIE).isZero();
        unit.deafTo(ScriptedUnit.QIE);
        assertThatThrownBy(this::openHastily).hasMessageContaining("GSTS.QIES 1");
    }

    @Test
    void oneUnitThatFailsLeavesTheOthersQuiet() {
        ScriptedUnit first = machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP);
        machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP).deafTo(ScriptedUnit.SRTP);
        ScriptedUnit third = machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP);
        assertThatThrownBy(this::openHastily).hasMessageContaining("GSTS.RTPS 1");
        assertThat(first.get(UnitRegisters.GSTS) & (ScriptedUnit.TE | ScriptedUnit.QIE)).isZero();
        assertThat(third.written).isEmpty();
    }

    @Test
    void capabilitiesAreWhatAllUnitsCan() {
        machine.with(NO_LARGE_PAGES, ScriptedUnit.ECAP | 1 << 7);
        machine.with(ONLY_39, 2);
        try (Iommu iommu = open()) {
            Capabilities can = iommu.capabilities();
            assertThat(can.pageSizes()).isEqualTo(0x1000);
            assertThat(can.addressWidths()).containsExactly(39);
            assertThat(can.hostAddressWidth()).isEqualTo(46);
            assertThat(can.features())
                    .contains(Feature.ATTACH, Feature.FAULT_REPORTING, Feature.HITLESS_SPLIT)
                    .doesNotContain(Feature.COHERENT_WALKS, Feature.SNOOP_CONTROL);
            try (IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
                iommu.attach(DEVICE, domain).close();
                iommu.attach(OTHER_DEVICE, domain).close();
            }
        }
    }

    @Test
    void L3_whatDoesNotFitIsRefusedBeforeAnyChange() {
        ScriptedUnit first = machine.with(NO_LARGE_PAGES, ScriptedUnit.ECAP);
        ScriptedUnit second = machine.with(ONLY_39, ScriptedUnit.ECAP);
        try (Iommu iommu = open()) {
            long before = pages.taken();
            IommuDomain large =
                    iommu.createDomain(
                            DomainOptions.defaults().withAddressWidth(39).withPageSizes(0x20_1000));
            IommuDomain wide = iommu.createDomain(DomainOptions.defaults().withAddressWidth(48));
            first.written.clear();
            second.written.clear();
            missing(Feature.PAGE_SIZES, () -> iommu.attach(DEVICE, large), "0x201000");
            missing(Feature.ADDRESS_WIDTH, () -> iommu.attach(OTHER_DEVICE, wide), "[39] bits");
            assertThat(first.written).isEmpty();
            assertThat(second.written).isEmpty();
            iommu.attach(OTHER_DEVICE, large).close();
            iommu.attach(DEVICE, wide).close();
            large.close();
            wide.close();
            assertThat(pages.taken()).isEqualTo(before + 2);
        }
    }

    @Test
    void L3_aNonCoherentUnitIsNotOpenedWithoutWriteBack() {
        machine.with(ScriptedUnit.CAP, 2);
        missing(
                Feature.COHERENT_WALKS,
                () -> Iommu.open("vtd", options().with(CacheFlusherProvider.class, "none")),
                "\"line\" is legal");
        Iommu.open("vtd", options().with(CacheFlusherProvider.class, "line")).close();
    }

    @Test
    void whatNoUnitHasIsRefusedAtCreation() {
        machine.with(NO_LARGE_PAGES & ~(0x1fL << 8) | 1 << 9, ScriptedUnit.ECAP);
        try (Iommu iommu = open()) {
            DomainOptions defaults = DomainOptions.defaults();
            assertThatThrownBy(() -> iommu.createDomain(defaults.withAddressWidth(48)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("48 bits; one of [39] is legal");
            missing(
                    Feature.PAGE_SIZES,
                    () -> iommu.createDomain(defaults.withPageSizes(0x20_1000)),
                    "0x201000");
            IommuDomain domain = iommu.createDomain(defaults);
            assertThatThrownBy(() -> domain.map(0, 1L << 46, 0x1000, Access.READ))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("0x400000000000");
        }
    }

    @Test
    void G5_cachingModeForgetsTheAbsentEntryFirst() {
        ScriptedUnit unit = machine.with(CACHING, ScriptedUnit.ECAP);
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            unit.carriedOut.clear();
            iommu.attach(DEVICE, domain).close();
            assertThat(unit.carriedOut)
                    .extracting(Descriptor::low)
                    .containsExactly(0x0008_0000_0031L, 0x1_00e2L, 0x0008_0001_0031L, 0x1_00e2L);
        }
    }

    @Test
    void aDetachThatTheUnitRefusesCanBeRepeated() {
        ScriptedUnit unit = machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP);
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            Attachment attachment = iommu.attach(DEVICE, domain);
            unit.refuse(new Descriptor(0x0008_0001_0031L, 0));
            assertThatThrownBy(attachment::close).hasMessageContaining("refused");
            assertThatThrownBy(domain::close)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("1 device attached");
            assertThatThrownBy(() -> iommu.attach(DEVICE, domain))
                    .isInstanceOf(IllegalStateException.class);
            attachment.close();
            attachment.close();
        }
    }

    @Test
    void L2_aDeviceIsOffAUnitThatWasStoppedAfterItsDetachFailed() {
        ScriptedUnit unit = machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP);
        Iommu iommu = open();
        IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
        Attachment attachment = iommu.attach(DEVICE, domain);
        unit.refuse(new Descriptor(0x0008_0001_0031L, 0));
        assertThatThrownBy(iommu::close).hasMessageContaining("refused");
        assertThat(unit.get(UnitRegisters.GSTS) & (ScriptedUnit.TE | ScriptedUnit.QIE)).isZero();
        assertThat(pages.taken()).isPositive();
        unit.written.clear();
        attachment.close();
        domain.close();
        assertThat(unit.written).isEmpty();
    }

    private static List<String> commands(ScriptedUnit unit) {
        return unit.written.stream().filter(write -> write.startsWith("0x18=")).toList();
    }

    private static void missing(Feature feature, ThrowingCallable call, String why) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        UnsupportedFeatureException.class,
                        e -> assertThat(e.feature()).isEqualTo(feature))
                .hasMessageContaining(why);
    }

    private IommuOptions options() {
        return IommuOptions.on(machine).with(TableAllocatorProvider.class, pages);
    }

    private Iommu open() {
        return Iommu.open("vtd", options());
    }

    private Iommu openHastily() {
        return VtdIommuProvider.open(options(), new Patience(Duration.ofMillis(30)));
    }
}
