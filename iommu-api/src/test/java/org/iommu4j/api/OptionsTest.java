package org.iommu4j.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Provider;
import org.junit.jupiter.api.Test;

class OptionsTest {

    private record Named(String name, int rank) implements Provider {}

    private static final Named LOW = new Named("low", 1);
    private static final Named HIGH = new Named("high", 2);
    private static final List<Named> FOUND = List.of(LOW, HIGH);

    @Test
    void aPolicyIsTheChosenOneOrThatOfTheHighestRank() {
        IommuOptions options = IommuOptions.memoryOnly(0x1000);
        assertThat(options.chooses(Named.class)).isFalse();
        assertThat(options.policy(Named.class, "toy", FOUND)).isSameAs(HIGH);
        assertThat(options.with(Named.class, "low").policy(Named.class, "toy", FOUND))
                .isSameAs(LOW);
        Named mine = new Named("mine", 0);
        IommuOptions chosen = options.with(Named.class, "low").with(Named.class, mine);
        assertThat(chosen.chooses(Named.class)).isTrue();
        assertThat(chosen.policy(Named.class, "toy", FOUND)).isSameAs(mine);
        assertThat(options.chooses(Named.class)).isFalse();
        assertThatThrownBy(
                        () -> options.with(Named.class, "none").policy(Named.class, "toy", FOUND))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("no toy \"none\"; found: high (");
    }

    @Test
    void domainsChooseToo() {
        DomainOptions options = DomainOptions.defaults().with(Named.class, "low");
        assertThat(options.chooses(Named.class)).isTrue();
        assertThat(options.withEmptyTables(1).policy(Named.class, "toy", FOUND)).isSameAs(LOW);
        assertThat(
                        DomainOptions.defaults()
                                .with(Named.class, HIGH)
                                .policy(Named.class, "toy", FOUND))
                .isSameAs(HIGH);
    }

    @Test
    void memoryOnlyHasNoMachine() {
        PhysicalMemory memory = PhysicalMemory.allocate(0x2000);
        assertThat(IommuOptions.memoryOnly(memory).machine()).isEmpty();
        assertThat(IommuOptions.memoryOnly(memory).memory()).isSameAs(memory);
        assertThatThrownBy(() -> IommuOptions.memoryOnly(100))
                .hasMessageContaining("multiple of 4096");
        assertThatThrownBy(() -> IommuOptions.memoryOnly(0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aMachineIsChosenByName() {
        assertThatThrownBy(() -> IommuOptions.on("emulatr", 1 << 20))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no machine \"emulatr\"; found: none");
    }

    @Test
    void eachDomainOptionKeepsTheOthers() {
        DomainOptions options =
                DomainOptions.defaults()
                        .withAddressWidth(57)
                        .withPageSizes(0x1000)
                        .withStage(Stage.FIRST)
                        .withPartialUnmap(PartialUnmap.WIDEN)
                        .withEmptyTables(3);
        assertThat(options.addressWidth()).isEqualTo(57);
        assertThat(options.pageSizes()).isEqualTo(0x1000);
        assertThat(options.stage()).hasValue(Stage.FIRST);
        assertThat(options.partialUnmap()).isEqualTo(PartialUnmap.WIDEN);
        assertThat(options.emptyTables()).isEqualTo(3);
        DomainOptions again = options.withAddressWidth(39).withPageSizes(0x20_1000);
        assertThat(again.emptyTables()).isEqualTo(3);
        assertThat(again.stage()).hasValue(Stage.FIRST);
        assertThat(DomainOptions.defaults().emptyTables()).isEqualTo(64);
        assertThat(DomainOptions.defaults().partialUnmap()).isEqualTo(PartialUnmap.SPLIT);
    }

    @Test
    void illegalDomainOptionsAreRefused() {
        DomainOptions options = DomainOptions.defaults();
        assertThatThrownBy(() -> options.withAddressWidth(12))
                .hasMessageContaining("13 to 63 are legal");
        assertThatThrownBy(() -> options.withAddressWidth(64)).hasMessageContaining("64 bits");
        assertThatThrownBy(() -> options.withPageSizes(0)).hasMessageContaining("0x1000");
        assertThatThrownBy(() -> options.withEmptyTables(-1))
                .hasMessageContaining("0 to 65536 are legal");
        assertThatThrownBy(() -> options.withEmptyTables(65537))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void capabilitiesAnswerAndInsist() {
        Capabilities unit =
                new Capabilities(0x20_1000, List.of(48, 39), 46, Set.of(Feature.ATTACH));
        assertThat(unit.addressWidths()).containsExactly(39, 48);
        assertThat(unit.hasPageSize(0x20_0000)).isTrue();
        assertThat(unit.hasPageSize(0x20_1000)).isFalse();
        assertThat(unit.hasPageSize(1L << 30)).isFalse();
        unit.require(Feature.ATTACH, "attach");
        assertThatThrownBy(() -> unit.require(Feature.PASID, "attach with a PASID"))
                .isInstanceOf(UnsupportedFeatureException.class)
                .hasMessage("attach with a PASID: the feature PASID is missing");
        assertThat(new Capabilities(0x1000, List.of(), 46, Set.of()).has(Feature.ATTACH)).isFalse();
    }

    @Test
    void statisticsAddUp() {
        TreeMap<Long, Long> leaves = new TreeMap<>();
        leaves.put(0x1000L, 3L);
        leaves.put(0x20_0000L, 2L);
        DomainStatistics statistics =
                new DomainStatistics(
                        leaves, 5, 6, 1, 0, new DomainStatistics.Invalidations(1, 2, 3));
        leaves.clear();
        assertThat(statistics.mappedBytes()).isEqualTo(0x40_3000);
        assertThat(statistics.tableBytes()).isEqualTo(5 * 4096);
        assertThatThrownBy(() -> statistics.leaves().clear())
                .isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void messagesCarryHexAndWhatWouldBeLegal() {
        Mapping there = new Mapping(0x20_0000, 0x4000_0000, 0x20_0000, Access.READ);
        assertThat(new MappingConflictException(0x20_1000, 0x1000, there))
                .hasMessage(
                        "cannot map [0x201000, 0x202000): [0x200000, 0x400000) -> 0x40000000 (read-only) is"
                                + " there; unmap it first, or use tryMap");
        assertThat(new PartialUnmapException(0x20_1000, 0x1000, there))
                .hasMessageContaining("[0x201000, 0x202000)")
                .hasMessageContaining("PartialUnmap.SPLIT");
        assertThat(new TableMemoryExhaustedException(2, 1))
                .hasMessage(
                        "the operation needs 2 table pages and the allocator has 1; nothing has changed");
    }
}
