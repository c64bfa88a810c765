package com.example.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import com.example.riscv.unit.SoftwareMachine;
import com.example.riscv.unit.UnitModel;
import java.nio.ByteBuffer;
import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Sanitizer;
import org.junit.jupiter.api.Test;

/**
 * What becomes of a policy that forgets to invalidate: the unit shows it, and its machine says so.
 */
class ForgetfulTest {

    private static final long PAGE = 0x1000;

    @Test
    void G1_aTableThatWasGivenBackTooEarlyIsFound() {
        SoftwareMachine machine = new SoftwareMachine(1 << 20, UnitModel.USUAL);
        IommuOptions options =
                IommuOptions.on(machine).with(FlushPolicyProvider.class, new Forgetful());
        Device device = machine.devices().getFirst();
        try (Iommu iommu = Iommu.open("riscv", options);
                IommuDomain domain =
                        iommu.createDomain(DomainOptions.defaults().withEmptyTables(0));
                Attachment _ = iommu.attach(device.source(), domain)) {
            domain.map(PAGE, PAGE, PAGE, Access.READ);
            assertThat(device.read(PAGE, ByteBuffer.allocate(8)).isDone()).isTrue();
            domain.unmap(PAGE, PAGE);
            assertThat(machine.sanitizer().orElseThrow().count()).isZero();
            assertThat(device.read(PAGE, ByteBuffer.allocate(8)).isDone())
                    .as("the unit still has it")
                    .isTrue();
            device.read(2 * PAGE, ByteBuffer.allocate(8));
        }
        List<Sanitizer.Finding> found = machine.sanitizer().orElseThrow().findings();
        assertThat(found).hasSize(1);
        assertThat(found.getFirst().rule()).isEqualTo("G1");
        assertThat(found.getFirst().summary()).contains("for 0x2000, which is no table");
        assertThat(found.getFirst().history()).singleElement().asString().contains("given back");
        machine.close();
    }

    /** Says that the unit has forgotten, and has not asked it to. */
    private static final class Forgetful implements FlushPolicyProvider, FlushPolicy {

        @Override
        public String name() {
            return "forgetful";
        }

        @Override
        public FlushPolicy create(FlushContext context) {
            return this;
        }

        @Override
        public FlushCompletion sync(int domainId, IotlbGather gather) {
            gather.completed();
            return FlushCompletion.DONE;
        }

        @Override
        public void drain() {}

        @Override
        public void close() {}
    }
}
