package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.vtd.EmulatedWorld.dmaRead;
import static org.iommu4j.vtd.EmulatedWorld.dmaWrite;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.Access;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.Stage;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a unit in scalable mode blocks is reported with its PASID and the reason it has there. */
@Timeout(60)
class ScalableFaultTest {

    private static final long RESERVED = 1L << 50;
    private static final int PASID = 0x1234;

    private final EmulatedWorld world =
            new EmulatedWorld(EmulatorOptions.legacy().scalable(true).sanitizer(false));
    private final Device device = world.device(0);
    private final BlockingQueue<DmaFault> heard = new LinkedBlockingQueue<>();

    @AfterEach
    void L1_closeLeavesNothingBehind() {
        world.close();
    }

    @Test
    void F1_whatIsNotAttachedIsReportedWithItsPasid() throws Exception {
        world.iommu.onFault(heard::add);
        IommuDomain domain = world.domain();
        dmaRead(device, 0x1000);
        expect(SourceId.NO_PASID, 0x1000, false, 0x39, "the root entry is not present");
        world.iommu.attach(device.source(), domain).close();
        dmaWrite(device.withPasid(PASID), 0x1000, 1);
        expect(PASID, 0x1000, true, 0x41, "the context entry is not present");
        world.iommu.attach(device.source(), 1, domain);
        dmaRead(device, 0x1000);
        expect(SourceId.NO_PASID, 0x1000, false, 0x59, "the PASID entry is not present");
        dmaRead(device.withPasid(2), 0x1000);
        expect(2, 0x1000, false, 0x59, "the PASID entry is not present");
        dmaRead(device.withPasid(PASID), 0x1000);
        expect(PASID, 0x1000, false, 0x51, "the PASID directory entry is not present");
        dmaRead(device.withPasid(0x8000), 0x1000);
        expect(0x8000, 0x1000, false, 0x46, "the PASID is beyond the PASID directory");
    }

    @Test
    void F1_whatTheSecondStageRefusesIsReported() throws Exception {
        world.iommu.onFault(heard::add);
        IommuDomain domain =
                world.iommu.createDomain(
                        DomainOptions.defaults().withStage(Stage.SECOND).withAddressWidth(39));
        world.iommu.attach(device.source(), PASID, domain);
        Device view = device.withPasid(PASID);
        domain.map(0x1000, 0x1000, 0x1000, Access.READ);
        domain.map(0x2000, 0x2000, 0x1000, Access.WRITE);
        domain.map(0x3000, 0xfee0_0000L, 0x1000, Access.READ_WRITE);
        dmaWrite(view, 0x1000, 1);
        expect(PASID, 0x1000, true, 0x85, "no write permission");
        dmaRead(view, 0x2000);
        expect(PASID, 0x2000, false, 0x86, "no read permission");
        dmaRead(view, 0x4000);
        expect(PASID, 0x4000, false, 0x79, "no second-stage permission");
        dmaRead(view, 1L << 39);
        expect(PASID, 1L << 39, false, 0x84, "the address is beyond the width of the tables");
        dmaWrite(view, 0x3010, 1);
        expect(PASID, 0x3000, true, 0x87, "the output address is in the interrupt range");
    }

    @Test
    void F1_whatTheFirstStageRefusesIsReported() throws Exception {
        world.iommu.onFault(heard::add);
        IommuDomain domain =
                world.iommu.createDomain(DomainOptions.defaults().withStage(Stage.FIRST));
        world.iommu.attach(device.source(), domain);
        domain.map(0x1000, 0x1000, 0x1000, Access.READ);
        dmaWrite(device, 0x1000, 1);
        expect(SourceId.NO_PASID, 0x1000, true, 0x85, "no write permission");
        dmaRead(device, 0x4000);
        expect(SourceId.NO_PASID, 0x4000, false, 0x71, "a first-stage entry is not present");
        dmaRead(device, 1L << 47);
        expect(SourceId.NO_PASID, 1L << 47, false, 0x80, "the address is not canonical");
        long table = ((VtdDomain) domain).root();
        long entry = world.peek(table);
        world.poke(table, entry & ~4L);
        forgetEverything();
        dmaRead(device, 0x1000);
        expect(SourceId.NO_PASID, 0x1000, false, 0x81, "no user privilege");
        world.poke(table, entry | RESERVED);
        forgetEverything();
        dmaRead(device, 0x1000);
        expect(
                SourceId.NO_PASID,
                0x1000,
                false,
                0x72,
                "reserved bits are set in a first-stage entry");
        world.poke(table, entry);
        forgetEverything();
    }

    @Test
    void F1_brokenEntriesAreReported() throws Exception {
        world.iommu.onFault(heard::add);
        IommuDomain domain = world.domain();
        world.iommu.attach(device.source(), domain);
        domain.map(0, 0, 0x1000, Access.READ);
        long root = world.registers(0).read64(UnitRegisters.RTADDR) & -0x1000;
        long context = (world.peek(root) & -0x1000) + device.source().requester() * 32L;
        long directory = world.peek(context) & -0x1000;
        long entry = world.peek(directory) & -0x1000;
        broken(root, RESERVED, 0x3a, "reserved bits are set in the root entry");
        broken(context, RESERVED, 0x42, "reserved bits are set in the context entry");
        broken(directory, RESERVED, 0x52, "reserved bits are set in the PASID directory entry");
        broken(entry, RESERVED, 0x5a, "reserved bits are set in the PASID entry");
        broken(entry, 7 << 6, 0x5b, "the PASID entry is invalid");
        broken(
                ((VtdDomain) domain).root(),
                RESERVED,
                0x7a,
                "reserved bits are set in a second-stage entry");
    }

    private void broken(long address, long bits, int code, String words) throws Exception {
        long whole = world.peek(address);
        world.poke(address, whole | bits);
        forgetEverything();
        dmaRead(device, 0);
        expect(SourceId.NO_PASID, 0, false, code, words);
        world.poke(address, whole);
        forgetEverything();
    }

    private void forgetEverything() {
        Unit unit = ((VtdIommu) world.iommu).units().all().getFirst();
        unit.complete(Descriptor.allContexts());
        unit.complete(Descriptor.allPasids());
        unit.complete(Descriptor.allTranslations(unit.capabilities()));
    }

    private void expect(int pasid, long page, boolean write, int code, String words)
            throws InterruptedException {
        assertThat(heard.poll(10, TimeUnit.SECONDS))
                .usingRecursiveComparison()
                .ignoringFields("explanation")
                .isEqualTo(new DmaFault(device.source(), pasid, page, write, code, words, false));
    }
}
