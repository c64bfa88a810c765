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
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.Stage;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.Test;

/** When a device's translation service is on, and what it is asked to forget. */
class DeviceTlbTest {

    private static final SourceId DEVICE = SourceId.parse("00:02.0");
    private static final long FENCE = 0x45;
    private static final long THROTTLING = ScriptedUnit.SCALABLE_ECAP | 1L << 41;

    private final ScriptedMachine machine = new ScriptedMachine();
    private final PhysicalMemory memory = machine.memory();
    private final List<String> noted = new ArrayList<>();

    /** Notes what is done to the device and to the unit, and DTE and PRE as they are then. */
    private ScriptedUnit unit(long ecap) {
        ScriptedUnit unit = machine.with(ScriptedUnit.SCALABLE_CAP, ecap);
        machine.add(new ScriptedDevice(DEVICE, true, noted));
        unit.watch(next -> noted.add(next + flags(unit)));
        return unit;
    }

    private String flags(ScriptedUnit unit) {
        long root = unit.get64(UnitRegisters.RTADDR) & -0x1000;
        long table = memory.loadPlain(root) & -0x1000;
        long entry = table == 0 ? 0 : memory.loadPlain(table + 0x10 * 32);
        return (entry & 1) == 0 ? " absent" : (entry & 0x14) == 0 ? " plain" : " served";
    }

    @Test
    void theServiceIsOnWhileAnyDomainOfTheDeviceTakesPageRequests() {
        unit(ScriptedUnit.SCALABLE_ECAP);
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.on(machine));
                IommuDomain asking = iommu.createDomain(asking());
                IommuDomain plain = iommu.createDomain(DomainOptions.defaults())) {
            noted.clear();
            Attachment without = iommu.attach(DEVICE, plain);
            assertThat(noted).isEmpty();
            Attachment one = iommu.attach(DEVICE, 1, asking);
            assertThat(noted).containsExactly("0xc5 0x0 plain", "0x1000000031 0x0 served", "on 32");
            noted.clear();
            Attachment two = iommu.attach(DEVICE, 2, asking);
            assertThat(noted).isEmpty();
            one.close();
            assertThat(noted)
                    .containsExactly(
                            "0xc5 0x0 served",
                            "0x100010017 0x0 served",
                            "0x100e2 0x0 served",
                            "0x45 0x0 served",
                            "0x100100008 0x7ffffffffffff800 served");
            noted.clear();
            two.close();
            assertThat(noted)
                    .startsWith(
                            "off",
                            "0x1000000031 0x0 plain",
                            "0xc5 0x0 plain",
                            "0x200010017 0x0 plain")
                    .hasSize(5);
            noted.clear();
            without.close();
            assertThat(noted).startsWith("0x1000000031 0x0 absent").hasSize(3);
        }
    }

    @Test
    void G7_aDeviceForgetsBehindTheUnit() {
        ScriptedUnit unit = unit(THROTTLING);
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.on(machine));
                IommuDomain asking = iommu.createDomain(asking());
                IommuDomain plain = iommu.createDomain(DomainOptions.defaults())) {
            try (Attachment _ = iommu.attach(DEVICE, asking);
                    Attachment _ = iommu.attach(DEVICE, 5, plain)) {
                asking.map(0, 0, 0x20_0000, Access.READ_WRITE);
                plain.map(0x3000, 0x3000, 0x1000, Access.READ);
                unit.carriedOut.clear();
                asking.unmap(0x1000, 0x1000);
                assertThat(unit.carriedOut)
                        .containsExactly(
                                new Descriptor(0x1_00f2L, 9),
                                new Descriptor(FENCE, 0),
                                new Descriptor(0x0010_0010_0000_0003L, 0xf_f001));
                unit.carriedOut.clear();
                plain.unmap(0x3000, 0x1000);
                assertThat(unit.carriedOut)
                        .containsExactly(
                                new Descriptor(0x2_00f2L, 0x3040),
                                new Descriptor(FENCE, 0),
                                new Descriptor(0x0010_0005_0010_0008L, 0x3000));
            }
        }
    }

    @Test
    void G7_aGlobalInvalidationReachesEveryDeviceTlb() {
        ScriptedUnit unit = unit(ScriptedUnit.SCALABLE_ECAP);
        try (VtdIommu iommu = (VtdIommu) Iommu.open("vtd", IommuOptions.on(machine));
                IommuDomain asking = iommu.createDomain(asking().withStage(Stage.FIRST))) {
            try (Attachment _ = iommu.attach(DEVICE, asking);
                    Attachment _ = iommu.attach(DEVICE, 0x11, asking)) {
                unit.carriedOut.clear();
                iommu.units().await(iommu.units().invalidateGlobal());
                assertThat(unit.carriedOut)
                        .containsExactly(
                                new Descriptor(0xd2, 0),
                                new Descriptor(FENCE, 0),
                                new Descriptor(0x10_0000_0003L, 0x7fff_ffff_ffff_f001L),
                                new Descriptor(FENCE, 0),
                                new Descriptor(0x11_0010_0008L, 0x7fff_ffff_ffff_f800L));
            }
        }
    }

    @Test
    void aServiceIsTurnedOffThoughADeviceDidNotForget() {
        ScriptedUnit unit = unit(ScriptedUnit.SCALABLE_ECAP);
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.on(machine));
                IommuDomain asking = iommu.createDomain(asking())) {
            Attachment attachment = iommu.attach(DEVICE, asking);
            asking.map(0x3000, 0x3000, 0x1000, Access.READ);
            unit.refuse(new Descriptor(0x10_0000_0003L, 0x3000));
            assertThatThrownBy(() -> asking.unmap(0x3000, 0x1000))
                    .isInstanceOf(IommuException.class)
                    .hasMessageContaining("refused");
            noted.clear();
            attachment.close();
            assertThat(noted).startsWith("off");
        }
    }

    @Test
    void L3_aDeviceThatCannotAskIsRefused() {
        ScriptedUnit unit = unit(ScriptedUnit.SCALABLE_ECAP);
        SourceId deaf = SourceId.parse("00:03.0");
        machine.add(new ScriptedDevice(deaf, false, noted));
        SourceId unknown = SourceId.parse("00:04.0");
        machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP & ~(1L << 29));
        SourceId elsewhere = SourceId.parse("01:03.0");
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.on(machine));
                IommuDomain asking = iommu.createDomain(asking())) {
            assertThat(iommu.capabilities().has(Feature.PAGE_REQUESTS)).isFalse();
            noted.clear();
            for (SourceId device : List.of(deaf, unknown, elsewhere)) {
                assertThatThrownBy(() -> iommu.attach(device, asking))
                        .isInstanceOfSatisfying(
                                UnsupportedFeatureException.class,
                                e -> assertThat(e.feature()).isEqualTo(Feature.PAGE_REQUESTS));
            }
            assertThat(noted).isEmpty();
            assertThatThrownBy(() -> iommu.createDomain(asking().withStage(Stage.PASS_THROUGH)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("no page is missing");
            assertThat(unit.get(UnitRegisters.GSTS) & ScriptedUnit.TE).isNotZero();
        }
    }

    private static DomainOptions asking() {
        return DomainOptions.defaults().withPageRequests(true);
    }
}
