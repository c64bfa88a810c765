package com.example.riscv;

import com.example.riscv.unit.SoftwareMachineProvider;
import java.util.stream.Stream;
import org.iommu4j.conformance.backend.BackendUnderTest;
import org.iommu4j.conformance.junit.ContractTests;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every rule of the specification, as the conformance kit tries it. */
class ConformanceTest {

    private final BackendUnderTest riscv = BackendUnderTest.of(new RiscvIommuProvider());

    @TestFactory
    Stream<DynamicTest> keepsTheRulesInMemory() {
        return ContractTests.of(riscv);
    }

    @TestFactory
    Stream<DynamicTest> keepsTheRulesOnItsUnit() {
        return ContractTests.of(riscv.on(new SoftwareMachineProvider()));
    }
}
