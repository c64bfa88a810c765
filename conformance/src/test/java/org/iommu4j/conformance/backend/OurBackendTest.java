package org.iommu4j.conformance.backend;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.iommu4j.api.Iommu;
import org.iommu4j.conformance.junit.ContractTests;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.TestFactory;

/**
 * The project's own backend keeps every rule, on every kind of machine there is. {@code
 * -Diommu4j.long=true} tries twenty seeds instead of one.
 */
class OurBackendTest {

    private static final int SEEDS = Boolean.getBoolean("iommu4j.long") ? 20 : 1;

    private static final List<String> MACHINES =
            List.of(
                    "emulator",
                    "emulator:units=2,caches=keeps-everything",
                    "emulator:second-stage=false,caches=drops-anything",
                    "emulator:page-walk-coherent=false,caches=drops-anything",
                    "emulator:caching-mode=true,widths=39",
                    "emulator:scalable=false,units=2,caches=keeps-everything",
                    "emulator:scalable=false,caches=drops-anything,coherent=false",
                    "emulator:scalable=false,write-buffer-flush=true,queue-thread=true",
                    "emulator:scalable=false,max-address-mask=3,snoop-control=true",
                    "emulator:scalable=false,page-selective=false,page-sizes=4K+2M");

    @TestFactory
    Stream<DynamicContainer> everyRuleIsKept() {
        BackendUnderTest vtd = BackendUnderTest.of(Iommu.providers().getFirst());
        return IntStream.rangeClosed(1, SEEDS)
                .boxed()
                .flatMap(seed ->
                        Stream.concat(Stream.of(vtd), MACHINES.stream().map(name -> on(name, vtd)))
                                .map(backend -> backend.seed(seed)))
                .map(backend ->
                        DynamicContainer.dynamicContainer(
                                backend.toString(), ContractTests.of(backend)));
    }

    private static BackendUnderTest on(String name, BackendUnderTest backend) {
        return backend.on(name, () -> Fault.machines(name).create(BackendUnderTest.MEMORY));
    }
}
