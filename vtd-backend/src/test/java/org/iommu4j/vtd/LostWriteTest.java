package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.emulator.CacheBehaviour;
import org.iommu4j.emulator.EmulatedMachine;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.IotlbInvalidator;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.Sanitizer.Finding;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The driver over flush policies that are wrong on purpose, once writes are tracked: a report is
 * called final that is not, a device writes, and the sanitizer says which write was lost.
 */
class LostWriteTest {

    private static final int PAGE = 0x1000;

    /** What a policy does with the gather of a report. */
    enum Flush implements FlushPolicyProvider {
        RIGHT {
            @Override
            void flush(IotlbInvalidator unit, int id, IotlbGather gather) {
                unit.await(unit.invalidateDomain(id));
            }
        },
        NOTHING {
            @Override
            void flush(IotlbInvalidator unit, int id, IotlbGather gather) {}
        },
        ANOTHER_DOMAIN {
            @Override
            void flush(IotlbInvalidator unit, int id, IotlbGather gather) {
                unit.await(unit.invalidateDomain(id + 1));
            }
        },
        THE_FIRST_PAGE {
            @Override
            void flush(IotlbInvalidator unit, int id, IotlbGather gather) {
                unit.await(unit.invalidatePages(id, gather.start(), 0, true));
            }
        };

        abstract void flush(IotlbInvalidator unit, int id, IotlbGather gather);

        @Override
        public FlushPolicy create(FlushContext context) {
            return new FlushPolicy() {
                @Override
                public synchronized FlushCompletion sync(int id, IotlbGather gather) {
                    IotlbInvalidator unit = context.invalidator();
                    boolean isReport = gather.end() - gather.start() == 2 * PAGE;
                    (isReport ? Flush.this : RIGHT).flush(unit, id, gather);
                    gather.completed();
                    return FlushCompletion.DONE;
                }

                @Override
                public void drain() {}

                @Override
                public void close() {}
            };
        }
    }

    @ParameterizedTest
    @CsvSource({
        "SECOND_STAGE, RIGHT, false",
        "FIRST_STAGE, RIGHT, true",
        "SECOND_STAGE, NOTHING, false",
        "SECOND_STAGE, NOTHING, true",
        "FIRST_STAGE, NOTHING, false",
        "SECOND_STAGE, ANOTHER_DOMAIN, true",
        "FIRST_STAGE, ANOTHER_DOMAIN, false",
        "SECOND_STAGE, THE_FIRST_PAGE, false",
        "FIRST_STAGE, THE_FIRST_PAGE, true",
    })
    void D3_theSanitizerSaysWhichWriteWasLost(UnitMode mode, Flush flush, boolean deviceTlb) {
        EmulatorOptions options =
                mode.of(EmulatorOptions.legacy())
                        .memory(1L << 31)
                        .tableMemory(64 << 20)
                        .pageRequests(deviceTlb)
                        .caches(CacheBehaviour.KEEPS_EVERYTHING);
        try (EmulatedMachine machine = EmulatedMachine.create(options);
                Iommu iommu =
                        Iommu.open(
                                "vtd",
                                IommuOptions.on(machine).with(FlushPolicyProvider.class, flush))) {
            IommuDomain domain =
                    iommu.createDomain(DomainOptions.defaults().withPageRequests(deviceTlb));
            IommuDomain another = iommu.createDomain(DomainOptions.defaults());
            assertThat(another.statistics().tablePages()).isPositive();
            domain.map(0, 0, EmulatedWorld.M2, Access.READ_WRITE);
            Device device = machine.devices().getFirst();
            iommu.attach(device.source(), domain);
            DirtyTracking tracking = domain.trackDirty(new DirtyOptions(PAGE, false));
            writeTwoPages(device);
            IotlbGather gather = domain.gather();
            tracking.readAndClear(0, EmulatedWorld.M2, (iova, size) -> {}, gather);
            writeTwoPages(device);
            Sanitizer sanitizer = machine.sanitizer().orElseThrow();
            assertThat(sanitizer.findings()).as("the report is not final").isEmpty();
            domain.sync(gather).await();
            writeTwoPages(device);
            if (flush == Flush.RIGHT) {
                assertThat(sanitizer.findings()).isEmpty();
                assertThat(isDirty(tracking, 0x5000)).isTrue();
            } else {
                assertThat(sanitizer.findings()).extracting(Finding::rule).containsOnly("D3");
                assertThat(sanitizer.findings().getLast().summary())
                        .contains("at 0x6008", "cleared that of the entry at 0x")
                        .contains("was of 0x5000-0x6fff");
                assertThat(isDirty(tracking, 0x6000)).isFalse();
            }
        }
    }

    private static void writeTwoPages(Device device) {
        EmulatedWorld.dmaWrite(device, 0x5008, 1);
        EmulatedWorld.dmaWrite(device, 0x6008, 1);
    }

    private static boolean isDirty(DirtyTracking tracking, long iova) {
        long[] bytes = new long[1];
        tracking.peek(iova, PAGE, (start, size) -> bytes[0] += size);
        return bytes[0] == PAGE;
    }
}
