package org.iommu4j.conformance.junit;

import java.util.List;
import java.util.stream.Stream;
import org.iommu4j.conformance.CacheFlusherContracts;
import org.iommu4j.conformance.Contract;
import org.iommu4j.conformance.FlushPolicyContracts;
import org.iommu4j.conformance.MachineContracts;
import org.iommu4j.conformance.PageTableFormatContracts;
import org.iommu4j.conformance.TableAllocatorContracts;
import org.iommu4j.conformance.Verdict;
import org.iommu4j.conformance.backend.BackendContracts;
import org.iommu4j.conformance.backend.BackendUnderTest;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.walker.PageTableFormatProvider;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;

/**
 * Makes tests of contracts, one each, for a method with {@code @TestFactory}:
 *
 * {@snippet :
 * class MyPolicyTest {
 *     @TestFactory
 *     Stream<DynamicTest> keepsTheContracts() {
 *         return ContractTests.of(new MyPolicyProvider());
 *     }
 * }
 * }
 */
@SuppressWarnings("exports") // who uses the adapter has JUnit; who does not need not
public final class ContractTests {

    private ContractTests() {}

    /**
     * Makes the tests of a flush policy.
     *
     * @param provider makes the policy
     * @return a test for each contract
     */
    public static Stream<DynamicTest> of(FlushPolicyProvider provider) {
        return of(FlushPolicyContracts.all(), provider);
    }

    /**
     * Makes the tests of a cache flusher.
     *
     * @param provider makes the flusher
     * @return a test for each contract
     */
    public static Stream<DynamicTest> of(CacheFlusherProvider provider) {
        return of(CacheFlusherContracts.all(), provider);
    }

    /**
     * Makes the tests of a table allocator.
     *
     * @param provider makes the allocator
     * @return a test for each contract
     */
    public static Stream<DynamicTest> of(TableAllocatorProvider provider) {
        return of(TableAllocatorContracts.all(), provider);
    }

    /**
     * Makes the tests of a machine.
     *
     * @param provider makes the machines
     * @return a test for each contract
     */
    public static Stream<DynamicTest> of(MachineProvider provider) {
        return of(MachineContracts.all(), provider);
    }

    /**
     * Makes the tests of every page-table format of a provider.
     *
     * @param provider gives the formats
     * @return for each format a container with a test for each contract
     */
    public static Stream<DynamicContainer> of(PageTableFormatProvider provider) {
        return provider.formats().entrySet().stream()
                .map(format ->
                        DynamicContainer.dynamicContainer(
                                format.getKey(),
                                of(PageTableFormatContracts.all(), format.getValue())));
    }

    /**
     * Makes the tests of a backend:
     *
     * {@snippet :
     * class MyBackendTest {
     *     @TestFactory
     *     Stream<DynamicTest> keepsTheRules() {
     *         return ContractTests.of(BackendUnderTest.of(new MyIommuProvider()).on(new MyMachines()));
     *     }
     * }
     * }
     *
     * @param backend the backend, and what it is tried on
     * @return a test for each contract
     */
    public static Stream<DynamicTest> of(BackendUnderTest backend) {
        return of(BackendContracts.all(), backend);
    }

    /**
     * Makes tests of any contracts.
     *
     * @param <S> what they are run against
     * @param contracts the contracts
     * @param subject what to try
     * @return a test for each
     */
    public static <S> Stream<DynamicTest> of(List<Contract<S>> contracts, S subject) {
        return contracts.stream()
                .map(contract ->
                        DynamicTest.dynamicTest(
                                contract.toString(), () -> check(contract.run(subject))));
    }

    private static void check(Verdict verdict) {
        Assumptions.assumeTrue(verdict.outcome() != Verdict.Outcome.SKIPPED, () -> verdict.line());
        Assertions.assertTrue(
                verdict.isGood(),
                () -> verdict.line() + "\n" + String.join("\n", verdict.evidence()));
    }
}
