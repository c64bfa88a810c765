package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.qemu.QemuWorld.M2;

import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.Access;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Addresses that the devices of the machine cannot name: up to the width of the domain, and beyond.
 */
@Timeout(120)
class WideAddressTest {

    private static final long PAGE = 0x1000;
    private static final int BEYOND_WIDTH = 4;

    @TempDir private Path folder;

    @ParameterizedTest
    @CsvSource({"39, 39", "48, 39", "48, 48"})
    void M6_theLastPageOfTheWidthTranslatesAndTheNextIsBeyondIt(int unit, int width)
            throws Exception {
        QemuOptions options =
                QemuOptions.defaults().withAddressWidth(unit).withBinary(Rocker.program(folder));
        BlockingQueue<DmaFault> heard = new LinkedBlockingQueue<>();
        try (QemuWorld world = new QemuWorld(options);
                var _ = world.iommu.onFault(heard::add)) {
            Rocker rocker = new Rocker(world.machine);
            IommuDomain domain =
                    world.iommu.createDomain(DomainOptions.defaults().withAddressWidth(width));
            long end = 1L << width;
            domain.map(0, 0, M2, Access.READ_WRITE);
            domain.map(end - M2, M2, M2, Access.READ_WRITE);
            world.iommu.attach(Rocker.SOURCE, domain);
            assertThat(rocker.write(8)).isEmpty();
            assertThat(world.peek(8)).isEqualTo(Rocker.PATTERN);
            assertThat(rocker.write(end - 8)).isEmpty();
            assertThat(world.peek(2 * M2 - 8)).isEqualTo(Rocker.PATTERN);
            domain.unmap(end - 2 * PAGE, PAGE);
            assertThat(rocker.write(end - PAGE - 8)).isNotEmpty();
            assertThat(rocker.write(end - PAGE)).isEmpty();
            assertThat(heard.poll(20, TimeUnit.SECONDS).code()).isEqualTo(5);
            assertThat(rocker.write(end)).isNotEmpty();
            DmaFault fault = heard.poll(20, TimeUnit.SECONDS);
            assertThat(fault.code()).isEqualTo(BEYOND_WIDTH);
            assertThat(fault.source()).isEqualTo(Rocker.SOURCE);
            assertThat(fault.iova()).isEqualTo(end);
        }
    }
}
