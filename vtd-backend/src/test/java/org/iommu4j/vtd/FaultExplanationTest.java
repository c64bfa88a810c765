package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.vtd.EmulatedWorld.dmaRead;
import static org.iommu4j.vtd.EmulatedWorld.dmaWrite;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.Access;
import org.iommu4j.api.AddressExplanation;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOperation;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.Stage;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.machine.Device;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A fault says what a person needs: what is mapped there and around it, and what was done last. */
@Timeout(60)
class FaultExplanationTest {

    private static final int PASID = 0x12;
    private static final long OUT = 0x1000_0000L;

    private final List<EmulatedWorld> worlds = new ArrayList<>();
    private final BlockingQueue<DmaFault> heard = new LinkedBlockingQueue<>();

    @AfterEach
    void L1_closeLeavesNothingBehind() {
        worlds.forEach(EmulatedWorld::close);
    }

    @Test
    void F1_aHoleNamesBothNeighbours() throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy());
        Device device = world.device(0);
        IommuDomain domain = world.domain();
        world.iommu.attach(device.source(), domain);
        domain.map(0x4000_0000L, OUT, 0x20_0000, Access.READ_WRITE);
        domain.unmap(0x4000_1000L, 0x1000);
        dmaRead(device, 0x4000_1008L);
        DmaFault fault = next();
        AddressExplanation words = fault.explanation().orElseThrow();
        assertThat(words.subject()).isEqualTo(domain.toString()).startsWith("domain 0x");
        assertThat(words.iova()).isEqualTo(0x4000_1000L);
        assertThat(words.mapping()).isEmpty();
        assertThat(words.below())
                .contains(new Mapping(0x4000_0000L, OUT, 0x1000, Access.READ_WRITE));
        assertThat(words.above())
                .contains(new Mapping(0x4000_2000L, OUT + 0x2000, 0x1000, Access.READ_WRITE));
        assertThat(words.walk()).hasSize(4);
        assertThat(words.walk().getLast().meaning()).isEqualTo("not present");
        assertThat(words.walk().getFirst().entry())
                .isEqualTo(world.peek(words.walk().getFirst().entryAddress()));
        assertThat(words.lastOperation()).isEmpty();
        assertThat(fault.toString())
                .isEqualTo(
                        device.source()
                                + " may not read 0x40001000: no read permission (0x6); "
                                + domain
                                + " maps nothing there; below it [0x40000000, 0x40001000) ->"
                                + " 0x10000000 (read-write), above it [0x40002000, 0x40003000) ->"
                                + " 0x10002000 (read-write)");
    }

    @Test
    void F1_aMissingPermissionShowsTheLeaf() throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy());
        Device device = world.device(0);
        IommuDomain domain = world.domain();
        world.iommu.attach(device.source(), domain);
        domain.map(0x4000_0000L, OUT, 0x20_0000, Access.READ);
        dmaWrite(device, 0x4000_1000L, 1);
        AddressExplanation words = next().explanation().orElseThrow();
        assertThat(words.mapping())
                .contains(new Mapping(0x4000_0000L, OUT, 0x20_0000, Access.READ));
        assertThat(words.walk().getLast().meaning())
                .isEqualTo("leaf of 0x200000 bytes at 0x10000000, read-only");
        assertThat(words.walk().getLast().level()).isEqualTo(1);
    }

    @Test
    void F1_whereNoDomainIsKnownTheFaultSaysSo() throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy());
        Device device = world.device(0);
        Attachment attachment = world.iommu.attach(device.source(), world.domain());
        attachment.close();
        dmaRead(device, 0x1000);
        DmaFault fault = next();
        assertThat(fault.reason()).isEqualTo("the context entry is not present");
        assertThat(fault.toString())
                .endsWith("(0x2); " + device.source() + " is attached to no domain");
        assertThat(fault.explanation().orElseThrow().walk()).isEmpty();
    }

    @Test
    void F1_anAddressBeyondTheWidthSaysHowWideItMayBe() throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy());
        Device device = world.device(0);
        IommuDomain domain =
                world.iommu.createDomain(DomainOptions.defaults().withAddressWidth(39));
        world.iommu.attach(device.source(), domain);
        dmaRead(device, 1L << 39);
        assertThat(next().toString()).endsWith(domain + " has addresses of 39 bits");
    }

    @Test
    void F1_withHistoryTheLastUnmapIsNamed() throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy());
        Device device = world.device(0);
        IommuDomain domain = world.iommu.createDomain(DomainOptions.defaults().withHistory(16));
        world.iommu.attach(device.source(), domain);
        domain.map(0x4000_0000L, OUT, 0x20_0000, Access.READ_WRITE);
        domain.unmap(0x4000_1000L, 0x2000);
        domain.unmap(0x4000_8000L, 0x1000);
        dmaWrite(device, 0x4000_2000L, 1);
        DmaFault fault = next();
        DomainOperation last =
                fault.explanation().flatMap(AddressExplanation::lastOperation).orElseThrow();
        assertThat(last.kind()).isEqualTo(DomainOperation.Kind.UNMAP);
        assertThat(last.iova()).isEqualTo(0x4000_1000L);
        assertThat(last.size()).isEqualTo(0x2000);
        assertThat(fault.toString())
                .contains("; last: unmap of [0x40001000, 0x40003000) by " + last.thread());
    }

    @Test
    void F1_aPasidIsExplainedByItsOwnDomain() throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy().scalable(true));
        Device device = world.device(0);
        IommuDomain plain = world.domain();
        IommuDomain first =
                world.iommu.createDomain(DomainOptions.defaults().withStage(Stage.FIRST));
        world.iommu.attach(device.source(), plain);
        world.iommu.attach(device.source(), PASID, first);
        first.map(0x5000, OUT, 0x1000, Access.READ_WRITE);
        dmaRead(device.withPasid(PASID), 0x6000);
        assertThat(next().toString())
                .startsWith(device.source() + " (PASID 0x12) may not read 0x6000: ")
                .contains(first + " maps nothing there; below it [0x5000, 0x6000)")
                .contains("first stage");
        dmaRead(device, 0x6000);
        assertThat(next().toString()).contains(plain + " maps nothing there; nothing near below");
        dmaRead(device.withPasid(PASID + 1), 0x6000);
        assertThat(next().toString()).endsWith("is attached to no domain with PASID 0x13");
    }

    @Test
    void F1_aPassThroughDomainMapsEverything() throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy().scalable(true));
        Device device = world.device(0);
        IommuDomain all =
                world.iommu.createDomain(DomainOptions.defaults().withStage(Stage.PASS_THROUGH));
        world.iommu.attach(device.source(), all);
        assertThat(all.explain(0x1234).toString())
                .startsWith("domain 0x")
                .contains("(pass-through) maps [0x0, 0x")
                .contains("read-write");
    }

    @Test
    void F3_manyFaultsASecondAreNotAllExplained() throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy());
        Attachments attachments =
                new Attachments(
                        ((VtdIommu) world.iommu).units(),
                        world.machine.witness(),
                        new PageRequests(((VtdIommu) world.iommu).units(), Patience.USUAL));
        long[] now = {0};
        FaultExplainer explainer = new FaultExplainer(attachments, () -> now[0]);
        DmaFault fault = new DmaFault(world.device(0).source(), -1, 0x1000, true, 5, "no", false);
        for (int i = 0; i < FaultExplainer.MOST_A_SECOND; i++) {
            assertThat(explainer.explained(fault).explanation()).isPresent();
        }
        now[0] = TimeUnit.SECONDS.toNanos(1) - 1;
        assertThat(explainer.explained(fault)).isSameAs(fault);
        now[0]++;
        assertThat(explainer.explained(fault).explanation()).isPresent();
    }

    @Test
    void L1_aDomainThatClosesMeanwhileThrowsNothing() throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy().faultRecords(128));
        Device device = world.device(0);
        for (int round = 0; round < 200; round++) {
            IommuDomain domain = world.domain();
            Attachment attachment = world.iommu.attach(device.source(), domain);
            domain.map(0x10_0000, OUT, 0x1000, Access.READ);
            dmaRead(device, 0x20_0000);
            attachment.close();
            domain.close();
        }
        for (int round = 0; round < 200; round++) {
            assertThat(next().iova()).isEqualTo(0x20_0000);
        }
        assertThat(world.iommu.faultCounts().recorded()).isEqualTo(200);
    }

    private DmaFault next() throws InterruptedException {
        DmaFault fault = heard.poll(10, TimeUnit.SECONDS);
        assertThat(fault).isNotNull();
        return fault;
    }

    private EmulatedWorld world(EmulatorOptions options) {
        EmulatedWorld world = new EmulatedWorld(options);
        worlds.add(world);
        world.iommu.onFault(heard::add);
        return world;
    }
}
