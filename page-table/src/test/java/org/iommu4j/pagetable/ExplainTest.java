package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.iommu4j.api.Access;
import org.iommu4j.api.AddressExplanation;
import org.iommu4j.api.DomainOperation;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.TableStep;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a domain says of an address. */
class ExplainTest {

    private static final long OUT = 1L << 40;

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void aHoleIsShownWithItsNeighbours(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).open();
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        domain.map(mid, OUT, mid, Access.READ_WRITE);
        domain.unmap(mid + page, page);
        AddressExplanation hole = domain.explain(mid + page + 8);
        assertThat(hole.mapping()).isEmpty();
        assertThat(hole.below()).contains(new Mapping(mid, OUT, page, Access.READ_WRITE));
        assertThat(hole.above())
                .contains(new Mapping(mid + 2 * page, OUT + 2 * page, page, Access.READ_WRITE));
        assertThat(hole.walk()).hasSize(format.levels());
        assertThat(hole.walk().getFirst().level()).isEqualTo(format.levels() - 1);
        assertThat(hole.walk().getFirst().entryAddress()).isEqualTo(domain.root());
        assertThat(hole.walk().getFirst().meaning()).startsWith("table at 0x");
        TableStep last = hole.walk().getLast();
        assertThat(last.level()).isZero();
        assertThat(last.entry()).isZero();
        assertThat(last.meaning()).isEqualTo("not present");
        assertThat(hole.toString())
                .isEqualTo(
                        domain
                                + " maps nothing there; below it "
                                + hole.below().orElseThrow()
                                + ", above it "
                                + hole.above().orElseThrow());
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void aLeafIsShownWithWhatItAllows(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).open();
        long mid = 1L << format.shift(1);
        domain.map(mid, OUT, mid, Access.READ);
        AddressExplanation leaf = domain.explain(mid + 0x123);
        assertThat(leaf.mapping()).contains(new Mapping(mid, OUT, mid, Access.READ));
        assertThat(leaf.below()).isEmpty();
        assertThat(leaf.above()).isEmpty();
        assertThat(leaf.walk()).hasSize(format.levels() - 1);
        assertThat(leaf.walk().getLast().meaning())
                .isEqualTo("leaf of 0x%x bytes at 0x%x, read-only", mid, OUT);
        assertThat(leaf.toString()).isEqualTo(domain + " maps " + leaf.mapping().orElseThrow());
        domain.memory()
                .storePlain(
                        leaf.walk().getLast().entryAddress(),
                        leaf.walk().getLast().entry() | format.accessedMask() | format.dirtyMask());
        assertThat(domain.explain(mid).walk().getLast().meaning())
                .endsWith("read-only, accessed, dirty");
        domain.closeAndCheck();
    }

    @Test
    void anEmptyDomainIsReadInABoundedTime() {
        TestDomain domain = TestDomain.on(TestFormats.secondStage(5)).open();
        AddressExplanation nothing = domain.explain(1L << 56);
        assertThat(nothing.walk()).hasSize(1);
        assertThat(nothing.toString())
                .endsWith("maps nothing there; nothing near below it, nothing near above it");
        assertThat(domain.explain(0).below()).isEmpty();
        assertThat(domain.explain((1L << 57) - 1).above()).isEmpty();
        assertThat(domain.explain(1L << 57).toString())
                .isEqualTo(domain + " has addresses of 57 bits");
        assertThat(domain.explain(-1).walk()).isEmpty();
        domain.closeAndCheck();
        assertThatThrownBy(() -> domain.explain(0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void tablesThatLeadOutOfTheMemoryAreShownAsTheyAre() {
        TestDomain domain = TestDomain.on(TestFormats.secondStage(4)).open();
        domain.map(0, OUT, 0x1000, Access.READ);
        long whole = domain.memory().loadPlain(domain.root());
        domain.memory().storePlain(domain.root(), whole | 1L << 45);
        AddressExplanation broken = domain.explain(0);
        assertThat(broken.walk()).hasSize(1);
        assertThat(broken.walk().getFirst().meaning()).endsWith("outside of the memory");
        assertThat(broken.mapping()).isEmpty();
        domain.memory().storePlain(domain.root(), whole);
        domain.closeAndCheck();
    }

    @Test
    void aHistoryTellsWhatWasDoneLast() {
        TestDomain domain =
                TestDomain.on(TestFormats.secondStage(4))
                        .options(DomainOptions.defaults().withHistory(3))
                        .open();
        domain.map(0x20_0000, OUT, 0x20_0000, Access.READ);
        assertLast(domain, 0x20_1000, DomainOperation.Kind.MAP, 0x20_0000, 0x20_0000);
        domain.unmap(0x20_1000, 0x1000);
        assertLast(domain, 0x20_1fff, DomainOperation.Kind.UNMAP, 0x20_1000, 0x1000);
        assertLast(domain, 0x20_2000, DomainOperation.Kind.MAP, 0x20_0000, 0x20_0000);
        try (IotlbGather gather = domain.gather()) {
            domain.split(0x40_0000, 0x20_0000, 0x1000, gather);
            domain.cut(0x60_0000, 0x1000, gather);
            domain.coalesce(0x80_0000, 0x20_0000, gather);
        }
        assertLast(domain, 0x40_0000, DomainOperation.Kind.SPLIT, 0x40_0000, 0x20_0000);
        assertLast(domain, 0x60_0000, DomainOperation.Kind.CUT, 0x60_0000, 0x1000);
        assertLast(domain, 0x80_0000, DomainOperation.Kind.COALESCE, 0x80_0000, 0x20_0000);
        assertThat(domain.explain(0x20_1000).lastOperation()).as("forgotten").isEmpty();
        domain.closeAndCheck();
    }

    private static void assertLast(
            TestDomain domain, long iova, DomainOperation.Kind kind, long from, long size) {
        AddressExplanation explanation = domain.explain(iova);
        DomainOperation last = explanation.lastOperation().orElseThrow();
        assertThat(last.kind()).isEqualTo(kind);
        assertThat(last.iova()).isEqualTo(from);
        assertThat(last.size()).isEqualTo(size);
        assertThat(explanation.toString())
                .contains(
                        "; last: "
                                + kind
                                + " of [0x"
                                + Long.toHexString(from)
                                + ", 0x"
                                + Long.toHexString(from + size)
                                + ") by "
                                + Thread.currentThread().getName()
                                + " at ");
    }

    @Test
    void withoutHistoryNothingIsRemembered() {
        TestDomain domain = TestDomain.on(TestFormats.secondStage(4)).open();
        domain.map(0, OUT, 0x1000, Access.READ);
        assertThat(domain.explain(0).lastOperation()).isEmpty();
        domain.closeAndCheck();
        assertThatThrownBy(() -> DomainOptions.defaults().withHistory(-1))
                .hasMessageContaining("0 to 65536");
    }
}
