package com.example.riscv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.example.riscv.unit.SoftwareMachine;
import com.example.riscv.unit.UnitModel;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.api.Stage;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Units of every kind: taken over, used and left, or refused. */
class BringUpTest {

    private static final long PAGE = 0x1000;
    private static final long FIRST_STAGES = 7 << 9;
    private static final long SECOND_STAGES = 7 << 17;

    static Stream<UnitModel> everyDirectory() {
        return IntStream.of(1, 2, 3)
                .mapToObj(levels -> UnitModel.USUAL.withDirectoryLevels(1 << levels))
                .flatMap(model -> Stream.of(model, model.withExtendedContexts()));
    }

    @ParameterizedTest
    @MethodSource("everyDirectory")
    void aDeviceIsReachedByEveryKindOfDirectory(UnitModel model) {
        try (World world = new World(model);
                IommuDomain domain = world.iommu.createDomain(DomainOptions.defaults())) {
            domain.map(PAGE, PAGE, PAGE, Access.READ_WRITE);
            assertThat(world.write(1, PAGE, 5)).isFalse();
            try (Attachment _ = world.attach(1, domain)) {
                assertThat(world.write(1, PAGE, 5)).isTrue();
                assertThat(world.write(0, PAGE, 6)).isFalse();
                assertThat(world.peek(PAGE)).isEqualTo(5);
            }
            assertThat(world.write(1, PAGE, 6)).isFalse();
        }
    }

    @Test
    void aDeviceBeyondTheDirectoryIsRefused() {
        try (World world = new World(UnitModel.USUAL.withDirectoryLevels(1 << 1));
                IommuDomain domain = world.iommu.createDomain(DomainOptions.defaults())) {
            SourceId far = new SourceId(0, 1, 0, 0);
            assertThatThrownBy(() -> world.iommu.attach(far, domain))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("0000:01:00.0");
        }
        UnitModel many = UnitModel.USUAL.withDirectoryLevels(1 << 1).withDevices(20);
        SoftwareMachine machine = new SoftwareMachine(1 << 20, many);
        assertThatThrownBy(() -> Iommu.open("riscv", IommuOptions.on(machine)))
                .isInstanceOf(IommuException.class)
                .hasMessageContaining("device id 0xa0");
        assertThat(machine.remappingUnits().getFirst().registers().read32(UnitRegisters.CQCSR))
                .as("it is left as it was")
                .isZero();
    }

    @Test
    void L3_whatTheUnitDoesNotHaveIsRefused() {
        long usual = UnitModel.USUAL.capabilities();
        try (World second = new World(UnitModel.USUAL.withCapabilities(usual & ~FIRST_STAGES))) {
            assertThat(second.iommu.capabilities().features())
                    .contains(Feature.SECOND_STAGE)
                    .doesNotContain(Feature.FIRST_STAGE);
            assertThat(second.iommu.capabilities().addressWidths()).containsExactly(39, 48, 57);
            refused(second, DomainOptions.defaults().withStage(Stage.FIRST), "FIRST_STAGE");
            second.iommu.createDomain(DomainOptions.defaults()).close();
        }
        try (World first = new World(UnitModel.USUAL.withCapabilities(usual & ~SECOND_STAGES))) {
            assertThat(first.iommu.capabilities().addressWidths()).containsExactly(38, 47, 56);
            refused(first, DomainOptions.defaults().withStage(Stage.SECOND), "SECOND_STAGE");
            refused(first, DomainOptions.defaults().withStage(Stage.PASS_THROUGH), "PASS_THROUGH");
            refused(first, DomainOptions.defaults().withPageRequests(true), "PAGE_REQUESTS");
            assertThatThrownBy(() ->
                            first.iommu.createDomain(DomainOptions.defaults().withAddressWidth(57)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("[38, 47, 56]");
        }
    }

    @Test
    void aUnitOfAnotherKindIsRefused() {
        for (long capabilities : new long[] {0, 0x20, 0x10, UnitModel.USUAL.capabilities() + 1}) {
            SoftwareMachine machine =
                    new SoftwareMachine(1 << 20, UnitModel.USUAL.withCapabilities(capabilities));
            assertThatThrownBy(() -> Iommu.open("riscv", IommuOptions.on(machine)))
                    .isInstanceOf(UnsupportedFeatureException.class)
                    .hasMessageContaining("0x" + Long.toHexString(capabilities));
        }
    }

    @Test
    void L1_everyPageIsBackAfterClose() {
        SoftwareMachine machine = new SoftwareMachine(1 << 20, UnitModel.USUAL);
        for (int i = 0; i < 200; i++) {
            try (Iommu iommu = Iommu.open("riscv", IommuOptions.on(machine))) {
                IommuDomain first = iommu.createDomain(DomainOptions.defaults());
                first.map(0, 0, 1 << 20, Access.READ);
                iommu.attach(machine.devices().getFirst().source(), first);
                DomainOptions second = DomainOptions.defaults().withStage(Stage.SECOND);
                assertThat(iommu.createDomain(second).statistics().tablePages()).isEqualTo(4);
            }
        }
    }

    @Test
    void G1_aQueueThatStandsCompletesNothing() {
        World world = new World();
        IommuDomain domain = world.iommu.createDomain(DomainOptions.defaults());
        domain.map(PAGE, PAGE, PAGE, Access.READ_WRITE);
        world.attach(0, domain);
        assertThat(world.read(0, PAGE)).isZero();
        long pages = domain.statistics().tablePages();
        world.registers().write64(UnitRegisters.CQB, 0x3f_ffff_ffff_fc07L);
        assertThatThrownBy(() -> domain.unmap(PAGE, PAGE))
                .isInstanceOf(IommuException.class)
                .hasMessageContaining("stopped its command queue")
                .hasMessageContaining("0x10101");
        assertThat(domain.statistics().tablePages()).isEqualTo(pages);
        assertThatThrownBy(world.iommu::close).isInstanceOf(IommuException.class);
        assertThat(world.read(0, PAGE)).as("the unit blocks every device").isEqualTo(-1);
        world.machine.close();
    }

    @Test
    void bothAreFoundByTheirNames() {
        assertThat(Iommu.providers()).extracting(IommuProvider::name).contains("riscv");
        assertThat(MachineProvider.providers())
                .extracting(MachineProvider::name)
                .contains("riscv-software");
        IommuOptions options = IommuOptions.on("riscv-software:devices=5", 1 << 20);
        assertThat(options.machine().orElseThrow().devices()).hasSize(5);
        assertThatThrownBy(() -> IommuOptions.on("riscv-software:cores=5", 1 << 20))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("devices=1 to devices=31");
        try (Iommu iommu = Iommu.open("riscv", options)) {
            assertThat(iommu.backend()).isEqualTo("riscv");
            assertThat(iommu.capabilities().hostAddressWidth()).isEqualTo(46);
        }
        options.machine().orElseThrow().close();
    }

    private static void refused(World world, DomainOptions options, String feature) {
        assertThatThrownBy(() -> world.iommu.createDomain(options))
                .isInstanceOf(UnsupportedFeatureException.class)
                .hasMessageContaining(feature);
    }
}
