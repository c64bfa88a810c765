package org.iommu4j.inspector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.inspector.TestTables.DEVICE;

import java.util.OptionalInt;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.Test;

/** Where one request ends, and why. */
class ExplanationTest {
    private final TestTables tables = new TestTables(Mode.LEGACY);
    private final long space = tables.page();

    ExplanationTest() {
        tables.attach(DEVICE, 7, space);
        tables.map(space, 0x20_0000, 0x10_0020_0000L, 1);
    }

    @Test
    void aRequestGoesWhereTheLeafSays() {
        Explanation explanation = explain(DEVICE, 0x20_1234);
        assertThat(explanation.read()).hasToString("goes to 0x1000201234");
        assertThat(explanation.write()).hasToString("goes to 0x1000201234");
        assertThat(explanation.steps())
                .extracting(Explanation.Step::structure)
                .containsExactly(
                        "root entry of bus 00",
                        "context entry",
                        "entry 0 of level 3",
                        "entry 0 of level 2",
                        "entry 1 of level 1");
        assertThat(explanation.steps().getLast().meaning())
                .isEqualTo("leaf of 2 MiB at 0x1000200000: R read, W write, PS large page");
    }

    @Test
    void eachFaultHasItsReason() {
        assertFaults(explain(SourceId.parse("01:00.0"), 0), 0x1, 0x1);
        assertFaults(explain(SourceId.parse("00:01.0"), 0), 0x2, 0x2);
        assertFaults(explain(DEVICE, 1L << 48), 0x4, 0x4);
        assertFaults(explain(DEVICE, 0x1000), 0x6, 0x5);
        tables.store(tables.path(space, 0x5000, 0, 3), 0x10_0000_0001L);
        Explanation readOnly = explain(DEVICE, 0x5008);
        assertThat(readOnly.read()).hasToString("goes to 0x1000000008");
        assertThat(readOnly.write().fault().orElseThrow().code()).isEqualTo(0x5);
        tables.store(tables.path(space, 0x40_0000, 1, 3), 0x7000_0003L);
        assertFaults(explain(DEVICE, 0x40_0000), 0x7, 0x7);
        tables.store(tables.path(space, 0x60_0000, 1, 3), 0x10_0000_1083L);
        assertFaults(explain(DEVICE, 0x60_0000), 0xc, 0xc);
        tables.map(space, 0x6000, 0xfee0_0000L, 0);
        assertFaults(explain(DEVICE, 0x6000), 0xe, 0xe);
    }

    @Test
    void scalableModeHasReasonsOfItsOwn() {
        TestTables scalable = new TestTables(Mode.SCALABLE);
        long first = scalable.page();
        scalable.attachPasid(DEVICE, 2, 1 << 6, first);
        scalable.store(scalable.path(first, 0x7000, 0, 7), 0x10_0000_1005L);
        scalable.store(scalable.path(first, 0x8000, 0, 7), 0x10_0000_1003L);
        Explanation explanation = scalable(scalable, OptionalInt.empty(), 0x7010);
        assertThat(explanation.pasid()).hasValue(0);
        assertThat(explanation.read()).hasToString("goes to 0x1000001010");
        assertThat(explanation.write().fault().orElseThrow().code()).isEqualTo(0x85);
        assertFaults(scalable(scalable, OptionalInt.empty(), 0x8000), 0x81, 0x81);
        assertFaults(scalable(scalable, OptionalInt.empty(), 0x9000), 0x71, 0x71);
        assertFaults(scalable(scalable, OptionalInt.empty(), 1L << 47), 0x80, 0x80);
        assertFaults(scalable(scalable, OptionalInt.of(5), 0x7000), 0x59, 0x59);
        assertFaults(scalable(scalable, OptionalInt.of(64), 0x7000), 0x51, 0x51);
        assertFaults(scalable(scalable, OptionalInt.of(1 << 13), 0x7000), 0x46, 0x46);
    }

    private Explanation explain(SourceId device, long iova) {
        return Explanation.of(
                tables.view(), tables.pointer(), device, OptionalInt.empty(), iova, 46);
    }

    private static Explanation scalable(TestTables scalable, OptionalInt pasid, long iova) {
        return Explanation.of(scalable.view(), scalable.pointer(), DEVICE, pasid, iova, 46);
    }

    private static void assertFaults(Explanation explanation, int read, int write) {
        assertThat(explanation.read().fault().orElseThrow().code()).isEqualTo(read);
        assertThat(explanation.write().fault().orElseThrow().code()).isEqualTo(write);
    }
}
