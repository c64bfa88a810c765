package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.Stage;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.SourceId;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A domain without tables: what can be asked of it, and what is refused. */
class PassThroughTest {

    private static final DomainOptions PASS_THROUGH =
            DomainOptions.defaults().withStage(Stage.PASS_THROUGH);

    private final ScriptedMachine machine = new ScriptedMachine();
    private Iommu iommu;
    private IommuDomain domain;

    @BeforeEach
    void open() {
        machine.with(ScriptedUnit.CAP, ScriptedUnit.ECAP | 1 << 6);
        iommu = Iommu.open("vtd", IommuOptions.on(machine));
        domain = iommu.createDomain(PASS_THROUGH);
    }

    @AfterEach
    void close() {
        iommu.close();
    }

    @Test
    void anAddressTranslatesToItself() {
        assertThat(domain.translate(0x1234)).isEqualTo(0x1234);
        assertThat(domain.translate((1L << 46) - 1)).isEqualTo((1L << 46) - 1);
        assertThat(domain.translate(1L << 46)).isEqualTo(IommuDomain.NOT_MAPPED);
        Mapping all = new Mapping(0, 0, 1L << 46, Access.READ_WRITE);
        assertThat(domain.mappingAt(0x1234)).hasValue(all);
        assertThat(domain.mappingAt(1L << 46)).isEmpty();
        AtomicInteger seen = new AtomicInteger();
        domain.mappings(
                0x1000,
                0x1000,
                (iova, output, size, access) -> {
                    assertThat(new Mapping(iova, output, size, access)).isEqualTo(all);
                    return seen.incrementAndGet() > 0;
                });
        assertThat(seen).hasValue(1);
        for (long iova : new long[] {0x800, 1L << 46, (1L << 46) - 0x1000, -0x1000}) {
            assertThatThrownBy(() -> domain.mappings(iova, 0x2000, (_, _, _, _) -> true))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("0x2000 bytes at 0x" + Long.toHexString(iova));
        }
        assertThatThrownBy(() -> domain.mappings(0x1000, 0, (_, _, _, _) -> true))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(domain.statistics().tablePages()).isZero();
        domain.trim();
    }

    @Test
    void M7_whatWouldChangeATableIsRefused() {
        IotlbGather gather = domain.gather();
        List<ThrowingCallable> calls =
                List.of(
                        () -> domain.map(0, 0, 0x1000, Access.READ),
                        () -> domain.map(0, 0, 0x1000, Access.READ, gather),
                        () -> domain.tryMap(0, 0, 0x1000, Access.READ, gather),
                        () -> domain.unmap(0, 0x1000),
                        () -> domain.unmap(0, 0x1000, gather),
                        () -> domain.cut(0, 0x1000, gather),
                        () -> domain.split(0, 0x1000, 0x1000, gather),
                        () -> domain.coalesce(0, 0x1000, gather),
                        () -> domain.trackDirty(new DirtyOptions(0x1000, false)));
        for (ThrowingCallable call : calls) {
            assertThatThrownBy(call)
                    .isInstanceOf(UnsupportedFeatureException.class)
                    .hasMessageContaining("a pass-through domain, which has no tables");
        }
        assertThat(gather.isEmpty()).isTrue();
        assertThat(domain.sync(gather)).isSameAs(FlushCompletion.DONE);
        IommuDomain other = iommu.createDomain(PASS_THROUGH);
        assertThatThrownBy(() -> other.sync(gather)).hasMessageContaining("another domain");
    }

    @Test
    void itsOptionsAreOnlyThoseOfADomainWithoutTables() {
        assertThatThrownBy(() ->
                        iommu.createDomain(PASS_THROUGH.with(FlushPolicyProvider.class, "strict")))
                .hasMessageContaining("a domain cannot choose a flush policy; a pass-through");
        assertThatThrownBy(() ->
                        iommu.createDomain(
                                PASS_THROUGH.with(TableAllocatorProvider.class, "quota:pages=1")))
                .hasMessageContaining("a domain cannot choose a table allocator; a pass-through");
    }

    @Test
    void L1_itIsNotClosedWhileADeviceIsOnIt() {
        Attachment attachment = iommu.attach(SourceId.parse("00:02.0"), domain);
        assertThatThrownBy(domain::close).hasMessageContaining("1 device attached");
        attachment.close();
        domain.close();
        domain.close();
        assertThatThrownBy(() -> domain.translate(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> domain.map(0, 0, 0x1000, Access.READ))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> iommu.attach(SourceId.parse("00:02.0"), domain))
                .isInstanceOf(IllegalStateException.class);
    }
}
