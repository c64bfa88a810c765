package com.example.riscv;

import com.example.riscv.unit.SoftwareMachine;
import com.example.riscv.unit.UnitModel;
import java.util.stream.Stream;
import org.iommu4j.conformance.backend.BackendUnderTest;
import org.iommu4j.conformance.junit.ContractTests;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The rules on a unit without first-stage tables, whose contexts are extended ones. */
class SecondStageTest {

    private static final long FIRST_STAGES = 7 << 9;

    private final UnitModel model =
            UnitModel.USUAL
                    .withCapabilities(UnitModel.USUAL.capabilities() & ~FIRST_STAGES)
                    .withExtendedContexts();

    @TestFactory
    Stream<DynamicTest> keepsTheRules() {
        return ContractTests.of(
                BackendUnderTest.of(new RiscvIommuProvider())
                        .on(
                                "riscv-software without first stages",
                                () -> new SoftwareMachine(BackendUnderTest.MEMORY, model)));
    }
}
