package com.example.policies;

import java.util.stream.Stream;
import org.iommu4j.conformance.junit.ContractTests;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

class GlobalFlushTest {

    @TestFactory
    Stream<DynamicTest> keepsTheContracts() {
        return ContractTests.of(new GlobalFlush());
    }
}
