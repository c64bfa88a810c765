package com.example.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.Stage;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** DMA to the rest of a large leaf, while parts of it are unmapped. */
class HitlessTest {

    private static final long PAGE = 0x1000;
    private static final int HOLES = 500;

    @ParameterizedTest
    @EnumSource(names = {"FIRST", "SECOND"})
    void S1_theRestOfALargeLeafNeverFaults(Stage stage) throws Exception {
        DomainOptions options = DomainOptions.defaults().withStage(stage);
        try (World world = new World();
                IommuDomain domain = world.iommu.createDomain(options)) {
            domain.map(0, 0, World.G1, Access.READ_WRITE);
            AtomicBoolean done = new AtomicBoolean();
            AtomicInteger faults = new AtomicInteger();
            AtomicInteger reads = new AtomicInteger();
            try (Attachment _ = world.attach(0, domain)) {
                Thread dma =
                        Thread.ofPlatform()
                                .start(() -> {
                                    for (long at = PAGE;
                                            !done.get();
                                            at = (at + 2 * PAGE) % World.G1) {
                                        reads.incrementAndGet();
                                        faults.addAndGet(world.read(0, at) == 0 ? 0 : 1);
                                    }
                                });
                for (int i = 0; i < HOLES; i++) {
                    while (reads.get() <= i) {
                        Thread.onSpinWait();
                    }
                    long hole = i * (World.M2 + 2 * PAGE);
                    assertThat(domain.unmap(hole, PAGE)).isEqualTo(PAGE);
                    assertThat(world.read(0, hole)).isEqualTo(-1);
                }
                done.set(true);
                dma.join();
            }
            assertThat(reads.get()).isGreaterThanOrEqualTo(HOLES);
            assertThat(faults.get()).as("faults beside the holes").isZero();
        }
    }
}
