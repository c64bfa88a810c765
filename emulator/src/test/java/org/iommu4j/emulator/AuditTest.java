package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;
import org.junit.jupiter.api.Test;

/** What a unit tells whoever audits it, and when. */
class AuditTest {

    private static final long ROOT_TABLE = 0x1000;
    private static final long CONTEXT_TABLE = 0x2000;
    private static final long ROOT = 0x3000;
    private static final long TABLE = 0x4000;
    private static final long LAST = 0x5000;
    private static final long PAGE = 0x6000;
    private static final long IOVA = 0x7000;
    private static final int REQUESTER = 8;

    private final List<String> told = new ArrayList<>();
    private final PhysicalMemory memory = PhysicalMemory.allocate(1 << 20);
    private final EmulatorOptions options = EmulatorOptions.legacy().sanitizer(false);
    private final Audit audit = new Recorder();
    private final EmulatedUnit unit =
            new EmulatedUnit(
                    options,
                    0,
                    memory,
                    new Oversight(
                            memory, Rig.views(memory), audit, Witness.NONE, Optional.empty()));
    private final BusMaster device =
            new BusMaster(SourceId.parse("00:01.0"), unit, new DataPath(memory), audit);
    private long now;

    @Test
    void hearsOfEveryWordAndEveryUse() {
        attach();
        told.clear();
        device.read(IOVA, ByteBuffer.allocate(8));
        device.write(IOVA, ByteBuffer.allocate(8));
        assertThat(told)
                .containsExactly(
                        "tables 0x3000, 3 levels",
                        "read 0x3000 in 0x3000: 0x4003, reached at 2",
                        "read 0x4000 in 0x3000: 0x5003, reached at 3",
                        "read 0x5038 in 0x3000: 0x6003, reached at 4",
                        "used by 8, 0x3000 from 0x3000, 0x7000 as of 5, begun at 1",
                        "used by 8, 0x3000 from 0x3000, 0x7000 for writing as of 5, begun at 6");
    }

    @Test
    void hearsOfTheMomentThatACachedTableIsOf() {
        attach();
        device.read(IOVA, ByteBuffer.allocate(8));
        told.clear();
        device.read(IOVA + 0x1000, ByteBuffer.allocate(8));
        assertThat(told)
                .containsExactly(
                        "read 0x5040 in 0x3000: 0x0, reached at 4",
                        "blocked 8, 0x3000, 0x8000, false, code 6, begun at 6");
    }

    @Test
    void hearsOfInvalidationsAndNotOfContextsThatFault() {
        attach();
        device.read(1L << 40, ByteBuffer.allocate(8));
        memory.storeRelease(CONTEXT_TABLE + REQUESTER * 16, 0);
        unit.registers().write64(Rig.CCMD, 1L << 63 | 1L << 61);
        device.read(IOVA, ByteBuffer.allocate(8));
        assertThat(told)
                .containsExactly(
                        "tables 0x3000, 3 levels",
                        "blocked 8, 0x3000, 0x10000000000, false, code 4, begun at 1",
                        "invalidated context cache, all");
    }

    private void attach() {
        memory.storeRelease(ROOT_TABLE, CONTEXT_TABLE | 1);
        memory.storeRelease(CONTEXT_TABLE + REQUESTER * 16 + 8, 5 << 8 | 1);
        memory.storeRelease(CONTEXT_TABLE + REQUESTER * 16, ROOT | 1);
        memory.storeRelease(ROOT, TABLE | 3);
        memory.storeRelease(TABLE, LAST | 3);
        memory.storeRelease(LAST + 7 * 8, PAGE | 3);
        unit.registers().write64(Rig.RTADDR, ROOT_TABLE);
        unit.registers().write32(Rig.GCMD, Rig.SRTP);
        unit.registers().write32(Rig.GCMD, Rig.TE);
    }

    private final class Recorder implements Audit {
        @Override
        public long moment() {
            return ++now;
        }

        @Override
        public void tables(long root, int levels, EntryFormat format) {
            told.add(String.format(Locale.ROOT, "tables 0x%x, %d levels", root, levels));
        }

        @Override
        public long tableRead(long root, long address, long value, long reached, boolean lags) {
            told.add(
                    String.format(
                            Locale.ROOT,
                            "read 0x%x in 0x%x: 0x%x, reached at %d",
                            address,
                            root,
                            value,
                            reached));
            return ++now;
        }

        @Override
        public void used(
                int requester,
                int pasid,
                long root,
                long from,
                long iova,
                boolean write,
                long asOf,
                long begun) {
            told.add(
                    String.format(
                            Locale.ROOT,
                            "used by %d, 0x%x from 0x%x, 0x%x%s as of %d, begun at %d",
                            requester,
                            root,
                            from,
                            iova,
                            write ? " for writing" : "",
                            asOf,
                            begun));
        }

        @Override
        public void blocked(
                int requester,
                int pasid,
                long root,
                long iova,
                boolean write,
                int code,
                long begun) {
            told.add(
                    String.format(
                            Locale.ROOT,
                            "blocked %d, 0x%x, 0x%x, %b, code %x, begun at %d",
                            requester,
                            root,
                            iova,
                            write,
                            code,
                            begun));
        }

        @Override
        public void invalidated(String what) {
            told.add("invalidated " + what);
        }
    }
}
