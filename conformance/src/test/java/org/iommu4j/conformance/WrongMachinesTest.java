package org.iommu4j.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.iommu4j.conformance.junit.ContractTests;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.Providers;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatBuilder;
import org.iommu4j.walker.PageTableFormatProvider;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The kits for machines and formats: ours keep them, and each mistake is caught by name. */
class WrongMachinesTest {

    @TestFactory
    Stream<DynamicContainer> ourMachinesKeepTheirContracts() {
        return Stream.of("emulator", "emulator:units=3,devices=7,caches=drops-anything")
                .map(name ->
                        DynamicContainer.dynamicContainer(
                                name,
                                ContractTests.of(
                                        Providers.choose(
                                                MachineProvider.class,
                                                "machine",
                                                MachineProvider.providers(),
                                                name))));
    }

    @TestFactory
    Stream<DynamicContainer> M7_S2_S3_ourFormatsKeepTheirContracts() {
        return PageTableFormatProvider.providers().stream()
                .map(provider ->
                        DynamicContainer.dynamicContainer(
                                provider.name(), ContractTests.of(provider)));
    }

    @ParameterizedTest
    @EnumSource
    void wrongMachinesAreCaughtByName(WrongMachines wrong) {
        List<String> broken =
                MachineContracts.all().stream()
                        .map(contract -> contract.run(wrong))
                        .filter(verdict -> !verdict.isGood())
                        .map(Verdict::line)
                        .toList();
        assertThat(broken).as("what %s breaks", wrong).anyMatch(line -> line.contains(wrong.words));
    }

    private static PageTableFormatBuilder format() {
        return PageTableFormat.named("right", 4)
                .leavesAt(0, 1, 2)
                .present(1)
                .largeLeaf(1 << 7, 1 << 7)
                .constants(3, 1)
                .permissions(0, 2, false)
                .address(0xf_ffff_ffff_f000L, 0)
                .hardwareSets(1 << 5, 1 << 6)
                .software(7L << 52);
    }

    @Test
    void M6_M1_S1_S4_wrongFormatsAreCaughtByName() {
        assertThat(broken(format().build())).isEmpty();
        Map.of(
                        "which the unit or software sets, counts as present",
                        format().present(1 | 1 << 6),
                        "which leads to a table, counts as a leaf",
                        format().largeLeaf(1 << 7 | 1 << 5, 1 << 7),
                        "need another number of levels than 4",
                        format().addressWidth(30),
                        "one bit each is legal",
                        format().hardwareSets(1 << 5, 3 << 9),
                        "cannot be split into those of 1",
                        format().leavesAt(0, 2))
                .forEach((words, wrong) ->
                        assertThat(broken(wrong.build()))
                                .as(words)
                                .anyMatch(line -> line.contains(words)));
    }

    private static List<String> broken(PageTableFormat format) {
        return PageTableFormatContracts.all().stream()
                .map(contract -> contract.run(format))
                .filter(verdict -> !verdict.isGood())
                .map(Verdict::line)
                .toList();
    }
}
