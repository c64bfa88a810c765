package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.vtd.EmulatedWorld.dmaRead;
import static org.iommu4j.vtd.EmulatedWorld.dmaWrite;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.PageRequestHandler.Response;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Device;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a flight recording shows of a unit and its driver. */
@Timeout(60)
class FlightRecordingTest {

    private static final List<String> NAMES =
            List.of("Invalidate", "InvalidationWait", "Fault", "PageRequest");
    private static final long OUT = 0x1000_0000L;

    @TempDir private Path folder;

    @Test
    void invalidationsTellWhatIsForgottenAndWhoWaited() throws IOException {
        List<RecordedEvent> events =
                recorded(() -> {
                    try (EmulatedWorld world = new EmulatedWorld(EmulatorOptions.legacy())) {
                        IommuDomain domain = world.domain();
                        world.iommu.attach(world.device(0).source(), domain);
                        domain.map(0x4000_0000L, OUT, 0x20_0000, Access.READ_WRITE);
                        domain.unmap(0x4000_1000L, 0x1000);
                        world.iommu.close();
                    }
                });
        RecordedEvent asked = of(events, "Invalidate").getFirst();
        assertThat(asked.getInt("domainId")).isPositive();
        assertThat(asked.getString("granularity")).isEqualTo("page");
        assertThat(asked.getLong("iova")).isEqualTo(0x4000_0000L);
        assertThat(asked.getLong("size")).isEqualTo(0x20_0000);
        assertThat(asked.getBoolean("leafOnly")).isFalse();
        assertThat(asked.getLong("ticket")).isPositive();
        RecordedEvent waited = of(events, "InvalidationWait").getFirst();
        assertThat(waited.getLong("ticket")).isEqualTo(asked.getLong("ticket"));
        assertThat(waited.getDuration()).isPositive();
    }

    @Test
    void wholeDomainsAreToldFromPages() throws IOException {
        List<RecordedEvent> events =
                recorded(() -> {
                    try (EmulatedWorld world =
                            new EmulatedWorld(
                                    EmulatorOptions.legacy(),
                                    options -> options.with(FlushPolicyProvider.class, "domain"))) {
                        IommuDomain domain = world.domain();
                        world.iommu.attach(world.device(0).source(), domain);
                        domain.map(0x4000_0000L, OUT, 0x1000, Access.READ_WRITE);
                        domain.unmap(0x4000_0000L, 0x1000);
                    }
                });
        RecordedEvent asked = of(events, "Invalidate").getFirst();
        assertThat(asked.getString("granularity")).isEqualTo("domain");
        assertThat(asked.getLong("size")).isZero();
    }

    @Test
    void faultsAreRecordedThoughNobodyListens() throws IOException {
        List<RecordedEvent> events =
                recorded(() -> {
                    try (EmulatedWorld world = new EmulatedWorld(EmulatorOptions.legacy())) {
                        Device device = world.device(0);
                        IommuDomain domain = world.domain();
                        world.iommu.attach(device.source(), domain);
                        domain.map(0x4000_0000L, OUT, 0x1000, Access.READ);
                        dmaWrite(device, 0x4000_0008L, 1);
                    }
                });
        RecordedEvent fault = of(events, "Fault").getFirst();
        assertThat(of(events, "Fault")).hasSize(1);
        assertThat(fault.getString("source")).isNotBlank();
        assertThat(fault.getInt("pasid")).isEqualTo(-1);
        assertThat(fault.getLong("iova")).isEqualTo(0x4000_0000L);
        assertThat(fault.getString("access")).isEqualTo("write");
        assertThat(fault.getInt("code")).isEqualTo(5);
        assertThat(fault.getString("reason")).isEqualTo("no write permission");
        assertThat(fault.getBoolean("overflowed")).isFalse();
        assertThat(fault.getString("explanation"))
                .contains("maps [0x40000000, 0x40001000) -> 0x10000000 (read-only)");
    }

    @Test
    void pageRequestsTellHowTheyWereAnswered() throws IOException {
        List<RecordedEvent> events =
                recorded(() -> {
                    /* An event comes after the answer; whoever closes the executor waits for it. */
                    try (EmulatedWorld world =
                                    new EmulatedWorld(
                                            EmulatorOptions.legacy()
                                                    .scalable(true)
                                                    .pageRequests(true));
                            ExecutorService answering = Executors.newSingleThreadExecutor()) {
                        Device device = world.device(0);
                        IommuDomain domain =
                                world.iommu.createDomain(
                                        DomainOptions.defaults().withPageRequests(true));
                        world.iommu.attach(device.source(), domain);
                        world.iommu.onPageRequest(
                                answering,
                                request -> {
                                    domain.map(request.iova(), OUT, 0x1000, Access.READ_WRITE);
                                    return Response.SUCCESS;
                                });
                        assertThat(dmaRead(device, 0x5000)).isNotEqualTo(EmulatedWorld.BLOCKED);
                    }
                });
        RecordedEvent request = of(events, "PageRequest").getFirst();
        assertThat(request.getLong("iova")).isEqualTo(0x5000);
        assertThat(request.getInt("requests")).isEqualTo(1);
        assertThat(request.getInt("pasid")).isEqualTo(-1);
        assertThat(request.getString("response")).isEqualTo("SUCCESS");
        assertThat(request.getDuration()).isPositive();
    }

    private List<RecordedEvent> recorded(Runnable run) throws IOException {
        try (Recording recording = new Recording()) {
            NAMES.forEach(name -> recording.enable("org.iommu4j." + name).withoutThreshold());
            recording.start();
            run.run();
            recording.stop();
            Path file = folder.resolve("recording.jfr");
            recording.dump(file);
            return RecordingFile.readAllEvents(file);
        }
    }

    private static List<RecordedEvent> of(List<RecordedEvent> events, String name) {
        return events.stream()
                .filter(event -> event.getEventType().getName().equals("org.iommu4j." + name))
                .sorted((a, b) -> a.getStartTime().compareTo(b.getStartTime()))
                .toList();
    }
}
