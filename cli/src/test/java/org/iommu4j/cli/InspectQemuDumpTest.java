package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.inspector.Inspection;
import org.iommu4j.inspector.PhysicalImage;
import org.iommu4j.inspector.Progress;
import org.iommu4j.inspector.RootPointer;
import org.iommu4j.inspector.RootTables;
import org.iommu4j.inspector.TableVisitor;
import org.iommu4j.machine.MachineFailureException;
import org.iommu4j.qemu.DumpFormat;
import org.iommu4j.qemu.QemuMachine;
import org.iommu4j.qemu.QemuOptions;
import org.iommu4j.qemu.TranslationMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Dumps that QEMU wrote, of machines whose tables the driver has built: what is read out of them is
 * what the domains say, leaf by leaf. Where there is no QEMU the tests say so and are counted as
 * skipped; with IOMMU4J_QEMU=required they fail instead.
 */
class InspectQemuDumpTest {

    private static final long PAGE = 0x1000;
    private static final long M2 = 0x20_0000;
    private static final long G1 = 0x4000_0000;
    private static final long RTADDR = 0x20;

    @TempDir private Path folder;

    /** Two devices with a domain each, leaves of every size, split ones too. */
    private static final class Guest implements AutoCloseable {

        private final QemuMachine machine;
        private final Iommu iommu;
        private final List<IommuDomain> domains = new ArrayList<>();
        private final int width;

        Guest(QemuOptions options) {
            this.width = options.addressWidth();
            this.machine = start(options);
            this.iommu = Iommu.open("vtd", IommuOptions.on(machine));
            for (int i = 0; i < 2; i++) {
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
                domains.add(domain);
                iommu.attach(machine.devices().get(i).source(), domain);
            }
            IommuDomain first = domains.getFirst();
            first.map(0x7000, 0x3000, 3 * PAGE, Access.READ_WRITE);
            first.map(4 * M2, 2 * M2, M2, Access.READ);
            first.map(16 * G1, 5 * G1, G1, Access.READ_WRITE);
            IommuDomain second = domains.getLast();
            second.map(G1, 8 * G1, 2 * G1, Access.READ_WRITE);
            second.unmap(G1 + 5 * PAGE, PAGE);
            second.map(0x10_0000_0000L, 6 * M2, 5 * M2 + 7 * PAGE, Access.READ);
            second.unmap(0x10_0000_0000L + M2, M2);
        }

        private static QemuMachine start(QemuOptions options) {
            try {
                return QemuMachine.create(options);
            } catch (MachineFailureException e) {
                if ("required".equals(System.getenv("IOMMU4J_QEMU"))) {
                    throw new AssertionError(e.getMessage(), e);
                }
                System.err.println("dumps are not tested on QEMU: " + e.getMessage());
                return abort(e.getMessage());
            }
        }

        long rtaddr() {
            return machine.remappingUnits().getFirst().registers().read64(RTADDR);
        }

        /** What the domain of a device says it maps: a line a leaf. */
        List<String> leaves(int device) {
            List<String> lines = new ArrayList<>();
            domains.get(device)
                    .mappings(
                            0,
                            1L << width,
                            (iova, output, size, access) -> {
                                int rights =
                                        (access.readable() ? 1 : 0) | (access.writable() ? 2 : 0);
                                lines.add(line(iova, output, size, rights));
                                return true;
                            });
            return lines;
        }

        @Override
        public void close() {
            iommu.close();
            machine.close();
        }
    }

    private static String line(long iova, long output, long size, int rights) {
        return String.format(Locale.ROOT, "0x%x -> 0x%x, 0x%x, %d", iova, output, size, rights);
    }

    private static QemuOptions options(TranslationMode mode, int width) {
        return QemuOptions.defaults()
                .withMemory(32 << 20)
                .withTableMemory(16 << 20)
                .withAddressWidth(width)
                .withUnit(false, false, mode);
    }

    @ParameterizedTest
    @CsvSource({
        "LEGACY, 48, ELF, ELF core",
        "LEGACY, 39, ELF_PAGING, ELF core",
        "LEGACY, 39, RAW, raw",
        "SCALABLE_SECOND, 39, ELF, ELF core",
        "SCALABLE_SECOND, 48, ELF_PAGING, ELF core",
        "SCALABLE_SECOND, 48, RAW, raw",
    })
    void everyLeafOfADumpIsTheDomains(
            TranslationMode mode, int width, DumpFormat format, String words) {
        Path file = folder.resolve("dump");
        try (Guest guest = new Guest(options(mode, width))) {
            guest.machine.dump(format, file);
            try (PhysicalImage image = PhysicalImage.open(file, Progress.NONE)) {
                assertThat(image.format()).isEqualTo(words);
                assertThat(image.notes()).isEmpty();
                RootPointer root = new RootPointer(guest.rtaddr());
                assertThat(RootTables.find(image, Progress.NONE).getFirst().root()).isEqualTo(root);
                Inspection inspection = Inspection.of(image, root, width, Progress.NONE);
                assertThat(inspection.findings()).isEmpty();
                assertThat(inspection.devices()).hasSize(2);
                for (int i = 0; i < 2; i++) {
                    List<String> expected = guest.leaves(i);
                    assertThat(expected).hasSizeGreaterThan(4);
                    assertThat(leaves(inspection, i)).containsExactlyElementsOf(expected);
                }
            }
        }
    }

    private static List<String> leaves(Inspection inspection, int device) {
        List<String> lines = new ArrayList<>();
        inspection
                .devices()
                .get(device)
                .space()
                .orElseThrow()
                .walk(
                        new TableVisitor() {
                            @Override
                            public void table(long address, int level, long iova, long entry) {}

                            @Override
                            public void leaf(
                                    long iova, long output, int level, long entry, int rights) {
                                lines.add(line(iova, output, PAGE << 9 * level, rights));
                            }
                        });
        return lines;
    }

    /** The command finds the root table by itself, and counts the same leaves. */
    @Test
    void theCommandNeedsNothingButTheDump() {
        Path file = folder.resolve("guest \"1\".core");
        try (Guest guest = new Guest(options(TranslationMode.SCALABLE_SECOND, 48))) {
            guest.machine.dump(DumpFormat.ELF, file);
            CommandRun run =
                    CommandRun.of("inspect", file.toString(), "--rtaddr", "auto", "--json");
            assertThat(run.err()).isEmpty();
            assertThat(run.exitCode()).isZero();
            Map<String, String> json = run.json();
            assertThat(json)
                    .containsEntry("mode", "scalable")
                    .containsEntry("rtaddr", "0x" + Long.toHexString(guest.rtaddr()))
                    .containsEntry("devices.0.device", "00:01.0")
                    .containsEntry("devices.1.device", "00:02.0");
        }
    }

    @Test
    void aCompressedDumpIsRefusedWithWhatToDoInstead() throws Exception {
        Path file = folder.resolve("dump");
        try (Guest guest = new Guest(options(TranslationMode.LEGACY, 48))) {
            guest.machine.dump(DumpFormat.KDUMP_ZLIB, file);
        }
        assertThat(Files.size(file)).isPositive();
        CommandRun run = CommandRun.of("inspect", file.toString(), "--rtaddr", "auto");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err().lines())
                .singleElement()
                .asString()
                .contains("a kdump-compressed dump", "dump-guest-memory without -z");
    }
}
