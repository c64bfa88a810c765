package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.Stage;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.SourceId;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What of scalable mode a unit has decides what can be asked for, and what is refused. */
class StageFitTest {

    private static final SourceId LOWER = SourceId.parse("00:02.0");

    private final ScriptedMachine machine = new ScriptedMachine();
    private final CapturingAllocator pages = new CapturingAllocator();

    @AfterEach
    void L1_closeReturnsEveryPage() {
        assertThat(pages.taken()).isZero();
    }

    @Test
    void aUnitThatHasNothingInScalableModeStaysInLegacyMode() {
        long none = ScriptedUnit.SCALABLE_ECAP & ~(3L << 46);
        ScriptedUnit unit = machine.with(ScriptedUnit.SCALABLE_CAP, none);
        try (Iommu iommu = open()) {
            assertThat(unit.get64(UnitRegisters.RTADDR) & 0xfff).isZero();
            assertThat(unit.get64(UnitRegisters.IQA) & 0xfff).isZero();
            assertThat(iommu.capabilities().features())
                    .contains(Feature.SECOND_STAGE, Feature.PASS_THROUGH)
                    .doesNotContain(Feature.FIRST_STAGE, Feature.PASID, Feature.PAGE_REQUESTS);
        }
    }

    @Test
    void pasidsThatCannotBeAttachedAreRefused() {
        machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
        machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP & ~(0x10L << 35));
        machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP & ~(1L << 40));
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            illegalPasid(iommu, domain, LOWER, 0, "the PASID 0x0; 0x1 to 0xfffff are legal");
            illegalPasid(iommu, domain, LOWER, 1 << 20, "0x1 to 0xfffff are legal");
            illegalPasid(iommu, domain, LOWER, 0x8000, "0x1 to 0x7fff are legal");
            SourceId few = SourceId.parse("01:02.0");
            illegalPasid(
                    iommu,
                    domain,
                    few,
                    0x10,
                    "0x1 to 0xf are legal: the unit at 0xfed91000 takes 4 bits");
            assertThatThrownBy(() -> iommu.attach(SourceId.parse("02:02.0"), 1, domain))
                    .isInstanceOfSatisfying(
                            UnsupportedFeatureException.class,
                            e -> assertThat(e.feature()).isEqualTo(Feature.PASID));
            try (Attachment _ = iommu.attach(LOWER, 1, domain)) {
                assertThatThrownBy(() -> iommu.attach(LOWER, 1, domain))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining(
                                "0000:00:02.0 with PASID 0x1 is attached to the domain with the"
                                        + " id 0x1");
            }
        }
    }

    @Test
    void L3_aStageIsHeldAgainstEachUnit() {
        ScriptedUnit legacy = machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP);
        long onlyFirst = ScriptedUnit.SCALABLE_ECAP & ~(1L << 46);
        machine.with(ScriptedUnit.SCALABLE_CAP, onlyFirst);
        SourceId other = SourceId.parse("01:02.0");
        try (Iommu iommu = open();
                IommuDomain first = iommu.createDomain(first());
                IommuDomain second =
                        iommu.createDomain(DomainOptions.defaults().withStage(Stage.SECOND))) {
            assertThat(iommu.capabilities().features())
                    .doesNotContain(Feature.FIRST_STAGE, Feature.SECOND_STAGE);
            legacy.written.clear();
            missing(Feature.FIRST_STAGE, iommu, LOWER, first);
            missing(Feature.SECOND_STAGE, iommu, other, second);
            assertThat(legacy.written).isEmpty();
            iommu.attach(other, first).close();
            iommu.attach(LOWER, second).close();
        }
    }

    @Test
    void theFirstStageIsUsualWhereThereIsNoSecond() {
        machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP & ~(1L << 46));
        try (Iommu iommu = open();
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            assertThat(iommu.capabilities().addressWidths()).containsExactly(47, 56);
            assertThat(iommu.capabilities().features())
                    .contains(Feature.FIRST_STAGE, Feature.EXECUTE_DISABLE)
                    .doesNotContain(Feature.SECOND_STAGE, Feature.WRITE_ONLY);
            domain.map(0, 0, 0x1000, Access.READ.withExecuteDisabled());
            iommu.attach(LOWER, domain).close();
        }
    }

    private static void illegalPasid(
            Iommu iommu, IommuDomain domain, SourceId device, int pasid, String why) {
        assertThatThrownBy(() -> iommu.attach(device, pasid, domain))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(why);
    }

    private static void missing(Feature feature, Iommu iommu, SourceId device, IommuDomain domain) {
        assertThatThrownBy(() -> iommu.attach(device, domain))
                .isInstanceOfSatisfying(
                        UnsupportedFeatureException.class,
                        e -> assertThat(e.feature()).isEqualTo(feature));
    }

    private static DomainOptions first() {
        return DomainOptions.defaults().withStage(Stage.FIRST);
    }

    private Iommu open() {
        return Iommu.open(
                "vtd", IommuOptions.on(machine).with(TableAllocatorProvider.class, pages));
    }
}
