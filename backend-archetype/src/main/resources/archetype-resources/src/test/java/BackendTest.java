package ${package};

import java.util.stream.Stream;
import org.iommu4j.conformance.backend.BackendUnderTest;
import org.iommu4j.conformance.junit.ContractTests;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

class BackendTest {

    @TestFactory
    Stream<DynamicTest> keepsTheRules() {
        return ContractTests.of(BackendUnderTest.of(new BackendProvider()));
    }

    @TestFactory
    Stream<DynamicContainer> itsFormatsAreSound() {
        return ContractTests.of(new FormatProvider());
    }
}
