package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.qemu.QemuWorld.M2;

import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.Access;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.PhysicalMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every reason for which QEMU's unit blocks a request in legacy mode (VT-d, Fault Reason
 * Encodings): the device is told it, and the driver reports it. Reason 4 is {@link
 * WideAddressTest}'s; 0xd QEMU never gives.
 */
@Timeout(120)
class FaultReasonsTest {

    private static final long IOVA = M2 + 0x5000;
    private static final long NOWHERE = 0x70_0000_0000L;
    private static final long ADDRESS = 0x0000_ffff_ffff_f000L;

    /** Tables broken by hand, and the reason that stands for it. */
    enum Broken {
        ROOT_TABLE_NOWHERE(0x8) {
            @Override
            void breakIt(Tables tables) {
                tables.setRoot(NOWHERE);
            }
        },
        ROOT_ENTRY_ABSENT(0x1) {
            @Override
            void breakIt(Tables tables) {
                tables.change(tables.rootEntry(), -1, 0);
            }
        },
        ROOT_ENTRY_RESERVED(0xa) {
            @Override
            void breakIt(Tables tables) {
                tables.change(tables.rootEntry(), 0, 1 << 5);
            }
        },
        CONTEXT_TABLE_NOWHERE(0x9) {
            @Override
            void breakIt(Tables tables) {
                tables.change(tables.rootEntry(), ADDRESS, NOWHERE);
            }
        },
        CONTEXT_ENTRY_ABSENT(0x2) {
            @Override
            void breakIt(Tables tables) {
                tables.change(tables.contextEntry(), 1, 0);
            }
        },
        CONTEXT_ENTRY_OF_NO_WIDTH(0x3) {
            @Override
            void breakIt(Tables tables) {
                tables.change(tables.contextEntry() + 8, 7, 5);
            }
        },
        CONTEXT_ENTRY_RESERVED(0xb) {
            @Override
            void breakIt(Tables tables) {
                tables.change(tables.contextEntry(), 0, 1 << 5);
            }
        },
        TABLE_NOWHERE(0x7) {
            @Override
            void breakIt(Tables tables) {
                tables.change(tables.topEntry(), ADDRESS, NOWHERE);
            }
        },
        TABLE_ENTRY_RESERVED(0xc) {
            @Override
            void breakIt(Tables tables) {
                tables.change(tables.topEntry(), 0, 1L << 51);
            }
        },
        LEAF_MISALIGNED(0xc) {
            @Override
            void breakIt(Tables tables) {
                tables.change(tables.leafEntry(), 0, 1 << 12);
            }
        },
        LEAF_READ_ONLY(0x5) {
            @Override
            void breakIt(Tables tables) {
                tables.change(tables.leafEntry(), 2, 0);
            }
        },
        LEAF_ABSENT(0x5) {
            @Override
            void breakIt(Tables tables) {
                tables.change(tables.leafEntry(), 3, 0);
            }
        };

        private final int reason;

        Broken(int reason) {
            this.reason = reason;
        }

        abstract void breakIt(Tables tables);
    }

    @ParameterizedTest
    @EnumSource(Broken.class)
    void F1_theReasonReachesDeviceAndDriver(Broken broken) throws Exception {
        BlockingQueue<DmaFault> heard = new LinkedBlockingQueue<>();
        try (QemuWorld world = new QemuWorld(QemuOptions.defaults());
                var _ = world.iommu.onFault(heard::add)) {
            Device device = world.device(0);
            IommuDomain domain = world.domain();
            domain.map(M2, M2, M2, Access.READ_WRITE);
            world.iommu.attach(device.source(), domain);
            Tables tables = new Tables(world);
            broken.breakIt(tables);
            assertThat(QemuWorld.dmaWrite(device, IOVA, 1))
                    .isEqualTo(DmaOutcome.blocked(IOVA, broken.reason));
            DmaFault fault = heard.poll(20, TimeUnit.SECONDS);
            assertThat(fault.code()).isEqualTo(broken.reason);
            assertThat(fault.source()).isEqualTo(device.source());
            assertThat(fault.iova()).isEqualTo(IOVA);
            assertThat(fault.write()).isTrue();
            assertThat(world.peek(IOVA)).isZero();
            tables.restore();
            assertThat(QemuWorld.dmaWrite(device, IOVA, 1).isDone()).isTrue();
        }
    }

    @Test
    void F1_readsAreToldFromWritesAndTheInterruptRangeIsNoOutput() throws Exception {
        BlockingQueue<DmaFault> heard = new LinkedBlockingQueue<>();
        try (QemuWorld world = new QemuWorld(QemuOptions.defaults());
                var _ = world.iommu.onFault(heard::add)) {
            Device device = world.device(0);
            IommuDomain domain = world.domain();
            world.iommu.attach(device.source(), domain);
            domain.map(0x1000, 0x1000, 0x1000, Access.WRITE);
            domain.map(0x2000, 0xfee0_0000L, 0x1000, Access.READ_WRITE);
            assertThat(device.read(0x1000, ByteBuffer.allocate(4)).code()).isEqualTo(6);
            assertThat(heard.poll(20, TimeUnit.SECONDS))
                    .matches(fault -> fault.code() == 6 && !fault.write());
            assertThat(QemuWorld.dmaWrite(device, 0x2000, 1).code()).isEqualTo(0xe);
            assertThat(heard.poll(20, TimeUnit.SECONDS))
                    .matches(fault -> fault.code() == 0xe && fault.write());
        }
    }

    /** The tables of the first device, found as the unit finds them. */
    static final class Tables {
        private static final int RTADDR = 0x20;
        private static final int GCMD = 0x18;
        private static final int GSTS = 0x1c;
        private static final int SET_ROOT = 1 << 30;
        private static final int ENTRY = 16;

        private final PhysicalMemory memory;
        private final MmioRegion registers;
        private final int devfn;
        private final long root;
        private Runnable undo = () -> {};

        Tables(QemuWorld world) {
            memory = world.machine.memory();
            registers = world.machine.remappingUnits().getFirst().registers();
            devfn = world.device(0).source().requester() & 0xff;
            root = registers.read64(RTADDR) & ADDRESS;
        }

        long rootEntry() {
            return root;
        }

        long contextEntry() {
            return (memory.loadAcquire(root) & ADDRESS) + (long) devfn * ENTRY;
        }

        long topEntry() {
            return memory.loadAcquire(contextEntry()) & ADDRESS;
        }

        /** The entry of the 2 MiB leaf: below the top, level by level. */
        long leafEntry() {
            long gigabytes = memory.loadAcquire(topEntry()) & ADDRESS;
            return (memory.loadAcquire(gigabytes) & ADDRESS) + (IOVA >>> 21 << 3);
        }

        void change(long entry, long mask, long bits) {
            long whole = memory.loadAcquire(entry);
            undo = () -> memory.storeRelease(entry, whole);
            memory.storeRelease(entry, whole & ~mask | bits);
        }

        void setRoot(long address) {
            undo = () -> writeRoot(root);
            writeRoot(address);
        }

        void restore() {
            undo.run();
        }

        private void writeRoot(long address) {
            registers.write64(RTADDR, address);
            registers.write32(GCMD, registers.read32(GSTS) | SET_ROOT);
        }
    }
}
