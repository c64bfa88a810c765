package org.iommu4j.conformance.backend;

import java.util.List;
import java.util.stream.Stream;
import org.iommu4j.api.Iommu;
import org.iommu4j.conformance.junit.ContractTests;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.Providers;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.TestFactory;

/** The project's own backend keeps every rule, on every kind of machine there is. */
class OurBackendTest {

    @TestFactory
    Stream<DynamicContainer> everyRuleIsKept() {
        BackendUnderTest vtd = BackendUnderTest.of(Iommu.providers().getFirst());
        Stream<BackendUnderTest> machines =
                List.of(
                                "emulator",
                                "emulator:units=2,caches=keeps-everything",
                                "emulator:caches=drops-anything,coherent=false",
                                "emulator:caching-mode=true,widths=39",
                                "emulator:write-buffer-flush=true,queue-thread=true",
                                "emulator:max-address-mask=3,snoop-control=true",
                                "emulator:page-selective=false,page-sizes=4K+2M")
                        .stream()
                        .map(name ->
                                vtd.on(
                                        Providers.choose(
                                                MachineProvider.class,
                                                "machine",
                                                MachineProvider.providers(),
                                                name)));
        return Stream.concat(Stream.of(vtd), machines)
                .map(backend ->
                        DynamicContainer.dynamicContainer(
                                backend.toString(), ContractTests.of(backend)));
    }
}
