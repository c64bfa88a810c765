package org.iommu4j.conformance;

import java.util.List;
import java.util.stream.Stream;
import org.iommu4j.conformance.junit.ContractTests;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Provider;
import org.iommu4j.machine.Providers;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The policies of the project itself, each as it is found and with parameters. */
class OurPoliciesTest {

    @TestFactory
    Stream<DynamicContainer> G1_G2_G3_G4_G6_flushPoliciesKeepTheirContracts() {
        List<FlushPolicyProvider> found = FlushPolicyProvider.providers();
        return Stream.of(
                        "strict",
                        "strict:pages=1",
                        "strict:cost=measured",
                        "domain",
                        "deferred",
                        "deferred:count=1",
                        "deferred:count=3,bytes=8k,age=1ms")
                .map(name ->
                        container(
                                name,
                                ContractTests.of(choose(FlushPolicyProvider.class, found, name))));
    }

    @TestFactory
    Stream<DynamicContainer> S7_cacheFlushersKeepTheirContracts() {
        List<CacheFlusherProvider> found = CacheFlusherProvider.providers();
        return Stream.of("line", "page")
                .map(name ->
                        container(
                                name,
                                ContractTests.of(choose(CacheFlusherProvider.class, found, name))));
    }

    @TestFactory
    Stream<DynamicContainer> S6_L1_tableAllocatorsKeepTheirContracts() {
        List<TableAllocatorProvider> found = TableAllocatorProvider.providers();
        return Stream.of(
                        "slab",
                        "quota:bytes=1g",
                        "quota:bytes=200k",
                        "reserve:pages=16",
                        "quota:bytes=400k,over=reserve:pages=8",
                        "reserve:pages=8,over=quota:bytes=400k")
                .map(name ->
                        container(
                                name,
                                ContractTests.of(
                                        choose(TableAllocatorProvider.class, found, name))));
    }

    private static <P extends Provider> P choose(Class<P> kind, List<P> found, String name) {
        return Providers.choose(kind, "policy", found, name);
    }

    private static DynamicContainer container(String name, Stream<DynamicTest> tests) {
        return DynamicContainer.dynamicContainer(name, tests);
    }
}
