package com.example.riscv;

import com.example.riscv.unit.SoftwareMachineProvider;
import java.util.stream.Stream;
import org.iommu4j.conformance.junit.ContractTests;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The contracts of what the backend needs and gives besides domains: a machine and formats. */
class ContractsTest {

    @TestFactory
    Stream<DynamicTest> theMachineKeepsThem() {
        return ContractTests.of(new SoftwareMachineProvider());
    }

    @TestFactory
    Stream<DynamicContainer> theFormatsKeepThem() {
        return ContractTests.of(new RiscvFormatProvider());
    }
}
