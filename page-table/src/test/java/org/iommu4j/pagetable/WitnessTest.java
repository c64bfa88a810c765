package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.MappingConflictException;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.PartialUnmapException;
import org.junit.jupiter.api.Test;

/** What the engine says to a witness, and when: nothing too late, nothing that is not so. */
class WitnessTest {

    private static final long PAGE = 0x1000;
    private static final long MID = 0x200000;
    private static final long LARGE = 0x40000000;
    private static final long OUT = 1L << 40;
    private static final Access ACCESS = Access.READ_WRITE;

    private final RecordingWitness witness = new RecordingWitness();

    private TestDomain.Setup setup() {
        return TestDomain.on(TestFormats.secondStage(4)).witness(witness).observedBy(witness);
    }

    private List<String> said(TestDomain domain, Runnable call) {
        witness.listen(domain.memory());
        call.run();
        return witness.events();
    }

    @Test
    void pagesOfOneTable() {
        TestDomain domain = setup().emptyTables(8).open();
        domain.map(0, OUT, PAGE, ACCESS);
        long entry = domain.format().leafBits(ACCESS, 0) | OUT + PAGE;
        assertThat(said(domain, () -> domain.map(PAGE, OUT + PAGE, PAGE, ACCESS)))
                .containsExactly(
                        "store 0x" + Long.toHexString(entry), "mapped 0x1000+0x1000 guarded");
        domain.map(4 * PAGE, OUT, 2 * PAGE, ACCESS);
        IotlbGather gather = domain.gather();
        assertThat(
                        said(domain, () -> domain.unmap(0, 8 * PAGE, gather)).stream()
                                .filter(event -> !event.startsWith("store")))
                .containsExactly(
                        "unmapping 0x0+0x2000",
                        "unmapping 0x4000+0x2000",
                        "unmapped 0x0+0x2000 guarded",
                        "unmapped 0x4000+0x2000 guarded");
        assertThat(said(domain, () -> domain.unmap(0, 8 * PAGE, gather))).isEmpty();
        gather.close();
        domain.closeAndCheck();
    }

    @Test
    void aPageOutOfALargeLeaf() {
        TestDomain domain = setup().nonCoherent().open();
        domain.map(0, OUT, LARGE, ACCESS);
        IotlbGather gather = domain.gather();
        assertThat(
                        said(domain, () -> domain.unmap(5 * PAGE, PAGE, gather)).stream()
                                .filter(event -> !event.startsWith("store")))
                .containsExactly(
                        "unmapping 0x5000+0x1000",
                        "write back 0x1000",
                        "write back 0x1000",
                        "fence",
                        "linked, not alive",
                        "linked, not alive",
                        "exchange",
                        "write back 0x40",
                        "fence",
                        "unmapped 0x5000+0x1000 guarded",
                        "fence");
        gather.close();
        domain.closeAndCheck();
    }

    @Test
    void aWholeTable() {
        TestDomain domain = setup().open();
        domain.map(0, OUT, PAGE, ACCESS);
        IotlbGather gather = domain.gather();
        assertThat(said(domain, () -> domain.unmap(0, MID, gather)).subList(0, 4))
                .containsExactly(
                        "unmapping 0x0+0x200000",
                        "store 0x0",
                        "unlinked",
                        "unmapped 0x0+0x200000 guarded");
        gather.close();
        domain.closeAndCheck();
    }

    @Test
    void aLeafWithItsTable() {
        TestDomain domain = setup().nonCoherent().open();
        List<String> events = said(domain, () -> domain.map(0, OUT, PAGE, ACCESS));
        assertThat(events.subList(events.indexOf("linked, not alive") - 1, events.size()))
                .containsSubsequence(
                        "fence",
                        "linked, not alive",
                        "linked, not alive",
                        "linked, not alive",
                        "write back 0x40",
                        "fence",
                        "mapped 0x0+0x1000 guarded");
        domain.closeAndCheck();
    }

    @Test
    void aLeafOverAnEmptyTable() {
        TestDomain domain = setup().emptyTables(8).open();
        domain.map(0, OUT, PAGE, ACCESS);
        domain.unmap(0, PAGE);
        assertThat(
                        said(domain, () -> domain.map(0, OUT, MID, ACCESS)).stream()
                                .filter(event -> !event.startsWith("store"))
                                .map(event -> event.replaceAll(" as of.*", "")))
                .containsExactly(
                        "unlinked",
                        "mapped 0x0+0x200000 guarded",
                        "invalidated structure 0x0+0x200000",
                        "returned");
        domain.closeAndCheck();
    }

    @Test
    void severalTablesEachUnderItsGuard() {
        TestDomain domain = setup().open();
        domain.map(MID - 2 * PAGE, OUT, PAGE, ACCESS);
        domain.map(MID + PAGE, OUT, PAGE, ACCESS);
        IotlbGather gather = domain.gather();
        assertThat(
                        said(domain, () -> domain.map(MID - PAGE, OUT, 2 * PAGE, ACCESS, gather))
                                .stream()
                                .filter(event -> !event.startsWith("store")))
                .containsExactly(
                        "mapped 0x1ff000+0x1000 guarded", "mapped 0x200000+0x1000 guarded");
        assertThat(said(domain, () -> domain.unmap(MID - PAGE, 2 * PAGE, gather)))
                .containsExactly(
                        "unmapping 0x1ff000+0x1000",
                        "store 0x0",
                        "unmapped 0x1ff000+0x1000 guarded",
                        "unmapping 0x200000+0x1000",
                        "store 0x0",
                        "unmapped 0x200000+0x1000 guarded");
        gather.close();
        domain.closeAndCheck();
    }

    @Test
    void aFailingCallSaysNothing() {
        TestDomain domain = setup().partialUnmap(PartialUnmap.REJECT).open();
        domain.map(0, OUT, MID, ACCESS);
        domain.map(MID, OUT, PAGE, ACCESS);
        assertThat(
                        said(
                                domain,
                                () ->
                                        assertThatThrownBy(() -> domain.unmap(PAGE, MID))
                                                .isInstanceOf(PartialUnmapException.class)))
                .isEmpty();
        assertThat(
                        said(
                                domain,
                                () ->
                                        assertThatThrownBy(
                                                        () -> domain.map(0, OUT, 4 * MID, ACCESS))
                                                .isInstanceOf(MappingConflictException.class)))
                .isEmpty();
        domain.closeAndCheck();
    }

    @Test
    void theMomentOfAnInvalidationIsThatOfItsHandOver() {
        TestDomain domain = setup().manual().emptyTables(8).open();
        domain.map(0, OUT, 2 * PAGE, ACCESS);
        IotlbGather gather = domain.gather();
        domain.unmap(0, PAGE, gather);
        long before = witness.now();
        domain.sync(gather);
        long after = witness.now();
        IotlbGather later = domain.gather();
        domain.unmap(PAGE, PAGE, later);
        witness.listen(domain.memory());
        domain.completeAll();
        assertThat(witness.events()).hasSize(1);
        long moment = Long.parseLong(witness.events().getFirst().replaceAll(".* as of ", ""));
        assertThat(moment).isGreaterThan(before).isLessThanOrEqualTo(after);
        later.close();
        domain.closeAndCheck();
    }

    @Test
    void G2_aChangeAfterTheHandOverStaysPending() {
        TestDomain domain = setup().manual().open();
        domain.map(0, OUT, MID, ACCESS);
        IotlbGather early = domain.gather();
        domain.unmap(0, PAGE, early);
        domain.sync(early);
        IotlbGather late = domain.gather();
        domain.unmap(0, MID, late);
        domain.complete(0);
        IotlbGather third = domain.gather();
        domain.map(PAGE, OUT, PAGE, ACCESS, third);
        assertThat(third.structureChanged()).isTrue();
        domain.sync(late).await();
        third.close();
        domain.closeAndCheck();
    }

    /** A report is final with the sync of its gather; one that failed never is. */
    @Test
    void D3_aReportIsFinalWithTheSyncOfItsGather() {
        TestDomain domain = setup().manual().open();
        domain.map(0, OUT, PAGE, ACCESS);
        DirtyTracking tracking = domain.trackDirty(new DirtyOptions(PAGE, false));
        setDirty(domain);
        IotlbGather gather = domain.gather();
        assertThat(
                        said(
                                domain,
                                () ->
                                        assertThatThrownBy(() -> report(tracking, gather, true))
                                                .hasMessage("the sink")))
                .containsExactly("report 2", "cleaning for 2 0x0+0x1000", "exchange");
        assertThat(said(domain, () -> report(tracking, gather, false))).containsExactly("report 3");
        assertThat(said(domain, () -> domain.sync(gather))).isEmpty();
        List<String> completed = said(domain, () -> domain.complete(0));
        assertThat(completed.getFirst()).startsWith("invalidated 0x0+0x");
        assertThat(completed.getLast()).isEqualTo("final report 3");
        assertThat(completed).filteredOn(event -> event.startsWith("final")).hasSize(1);
        tracking.close();
        domain.closeAndCheck();
    }

    private static void setDirty(TestDomain domain) {
        HardwareWalk walk = new HardwareWalk(domain.format(), domain.memory());
        walk.to(domain.root(), 0);
        domain.memory()
                .storeRelease(walk.entryAddress(), walk.entry() | domain.format().dirtyMask());
    }

    private static void report(DirtyTracking tracking, IotlbGather gather, boolean fails) {
        tracking.readAndClear(
                0,
                PAGE,
                (iova, size) -> {
                    if (fails) {
                        throw new IllegalStateException("the sink");
                    }
                },
                gather);
    }

    @Test
    void aCloseTakesEverything() {
        TestDomain domain = setup().open();
        domain.map(0, OUT, LARGE + PAGE, ACCESS);
        long whole = 1L << domain.engine().addressWidth();
        List<String> events =
                said(domain, domain::close).stream()
                        .map(event -> event.replaceAll(" as of.*| .?guarded| unguarded", ""))
                        .distinct()
                        .toList();
        String range = " 0x0+0x" + Long.toHexString(whole);
        assertThat(events)
                .containsExactly(
                        "unmapping" + range,
                        "unlinked",
                        "unmapped" + range,
                        "invalidated structure" + range,
                        "returned");
    }
}
