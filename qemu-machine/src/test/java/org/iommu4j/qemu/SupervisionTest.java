package org.iommu4j.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.MachineFailureException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** QEMU that is not there, is not what is wanted, or goes away. */
@Timeout(120)
class SupervisionTest {

    private static final QemuOptions SMALL =
            QemuOptions.defaults().withMemory(1 << 20).withTableMemory(1 << 20).withDevices(1);

    @TempDir private Path folder;

    @Test
    void aMissingQemuIsNamedWithWhatToInstall() {
        for (String binary : List.of("qemu-that-is-not-here", folder + "/qemu", "/etc/passwd")) {
            assertThatThrownBy(() -> QemuMachine.create(SMALL.withBinary(binary)))
                    .isInstanceOf(MachineFailureException.class)
                    .hasMessageContaining(binary)
                    .hasMessageContaining("install qemu-system-x86");
        }
    }

    @Test
    void anOldQemuIsRefusedByItsVersion() throws IOException {
        String old = program("echo QEMU emulator version 6.2.0");
        assertThatThrownBy(() -> QemuMachine.create(SMALL.withBinary(old)))
                .isInstanceOf(MachineFailureException.class)
                .hasMessageContaining("is QEMU 6.2, which is too old; 7.2 and later can be used");
    }

    @Test
    void whatIsNoQemuIsRefusedByWhatItSays() throws IOException {
        String other = program("echo hello");
        assertThatThrownBy(() -> QemuMachine.create(SMALL.withBinary(other)))
                .isInstanceOf(MachineFailureException.class)
                .hasMessageContaining("is no QEMU: it answers \"hello\" to --version");
    }

    @Test
    void aRefusedOptionIsToldInQemusWords() throws IOException {
        Path real = Qemu.requireInstalled().program();
        String strict = program(answering("exec " + real + " \"$@\" -device no-such-device"));
        assertThatThrownBy(() -> QemuMachine.create(SMALL.withBinary(strict)))
                .isInstanceOf(MachineFailureException.class)
                .hasMessageContaining("QEMU does not start")
                .hasMessageContaining("exit code 1")
                .hasMessageContaining("no-such-device");
        assertNothingIsLeft();
    }

    @Test
    void aQemuThatNeverConnectsIsGivenUp() throws IOException {
        String idle = program(answering("exec sleep 1000"));
        QemuOptions impatient = SMALL.withBinary(idle).withPatience(Duration.ofMillis(300));
        assertThatThrownBy(() -> QemuMachine.create(impatient))
                .isInstanceOf(MachineFailureException.class)
                .hasMessageContaining("QEMU did not connect for 300 ms")
                .hasMessageContaining("still runs");
        assertNothingIsLeft();
    }

    @Test
    void aQemuThatDiesIsNoticedByWhoeverUsesIt() {
        try (QemuMachine machine = Qemu.start(SMALL)) {
            Device device = machine.devices().getFirst();
            kill(machine.processId());
            assertThatThrownBy(() -> device.read(0, ByteBuffer.allocate(8)))
                    .isInstanceOf(MachineFailureException.class)
                    .hasMessageContaining("ended with exit code 137 (signal 9)");
            assertThatThrownBy(() -> machine.remappingUnits().getFirst().registers().read32(0))
                    .as("the second to ask")
                    .isInstanceOf(MachineFailureException.class)
                    .hasMessageContaining("ended with exit code 137");
            machine.memory().storePlain(0, 1);
            assertThat(machine.memory().loadPlain(0)).as("memory stays").isEqualTo(1);
        }
        assertNothingIsLeft();
    }

    @Test
    void aDriverOnAQemuThatDiesFailsAndMayBeClosed() {
        QemuMachine machine = Qemu.start(SMALL);
        Iommu iommu = Iommu.open("vtd", IommuOptions.on(machine));
        kill(machine.processId());
        assertThatThrownBy(iommu::close)
                .isInstanceOf(MachineFailureException.class)
                .hasMessageContaining("ended with exit code 137");
        machine.close();
        assertNothingIsLeft();
    }

    @Test
    void aQemuThatDoesNotAnswerIsGivenUpAndEnded() throws Exception {
        try (QemuMachine machine = Qemu.start(SMALL.withPatience(Duration.ofSeconds(10)))) {
            signal("STOP", machine.processId());
            assertThatThrownBy(() -> machine.devices().getFirst().read(0, ByteBuffer.allocate(8)))
                    .isInstanceOf(MachineFailureException.class)
                    .hasMessageContaining("QEMU did not answer for 10000 ms, asked for write")
                    .hasMessageContaining("still runs");
            assertThat(ProcessHandle.of(machine.processId())).isEmpty();
        }
        assertNothingIsLeft();
    }

    @Test
    void aClosedMachineSaysSo() {
        QemuMachine machine = Qemu.start(SMALL);
        machine.close();
        assertThatThrownBy(() -> machine.devices().getFirst().read(0, ByteBuffer.allocate(8)))
                .isInstanceOf(MachineFailureException.class)
                .hasMessage("the machine is closed");
        assertThatCode(machine::close).as("closed again").doesNotThrowAnyException();
        assertNothingIsLeft();
    }

    @Test
    void anInterruptedThreadKeepsItsInterruptAndTheMachine() {
        try (QemuMachine machine = Qemu.start(SMALL)) {
            Thread.currentThread().interrupt();
            assertThat(QemuWorld.dmaWrite(machine.devices().getFirst(), 0, 7).isDone()).isTrue();
            assertThat(Thread.interrupted()).isTrue();
            assertThat(machine.memory().loadAcquire(0)).isEqualTo(7);
        }
    }

    @Test
    void qemuEndsWithAKilledProcessAndTheNextOneRemovesItsFiles() throws Exception {
        Qemu.requireInstalled();
        Process owner =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Abandoned.class.getName())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        String[] said =
                new String(owner.getInputStream().readNBytes(200), UTF_8).strip().split(" ", -1);
        long qemu = Long.parseLong(said[0]);
        Path left = Path.of(said[1]);
        assertThat(ProcessHandle.of(qemu)).isPresent();
        owner.destroyForcibly();
        awaitEnd(owner.toHandle()); // its lock goes with it
        ProcessHandle.of(qemu).ifPresent(SupervisionTest::awaitEnd);
        assertThat(left).isDirectory();
        Path notOurs = Files.createTempDirectory(left.getParent(), "iommu4j-qemu-");
        try {
            Qemu.start(SMALL).close();
            assertThat(left).doesNotExist();
            assertThat(notOurs).as("without an owner file nothing proves it ours").exists();
        } finally {
            Files.delete(notOurs);
        }
    }

    /** Starts a machine, says which, and waits to be killed. */
    static final class Abandoned {
        private Abandoned() {}

        public static void main(String[] arguments) throws InterruptedException {
            QemuMachine machine = QemuMachine.create(SMALL);
            System.out.print(
                    ("%d %s" + " ".repeat(200)).formatted(machine.processId(), machine.folder()));
            System.out.flush();
            TimeUnit.MINUTES.sleep(5);
        }
    }

    private void assertNothingIsLeft() {
        String ours = "iommu4j-qemu-" + ProcessHandle.current().pid() + "-";
        for (Path place :
                List.of(Path.of("/dev/shm"), Path.of(System.getProperty("java.io.tmpdir")))) {
            try (Stream<Path> files = Files.list(place)) {
                assertThat(files.filter(file -> file.getFileName().toString().startsWith(ours)))
                        .isEmpty();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
        assertThat(ProcessHandle.current().children().filter(ProcessHandle::isAlive)).isEmpty();
    }

    private String program(String body) throws IOException {
        Path file = folder.resolve("program");
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
        return file.toString();
    }

    private static String answering(String otherwise) {
        return "[ \"$1\" = --version ] && echo QEMU emulator version 7.2.0 && exit\n" + otherwise;
    }

    private static void kill(long pid) {
        ProcessHandle process = ProcessHandle.of(pid).orElseThrow();
        assertThat(process.destroyForcibly()).isTrue();
        awaitEnd(process);
    }

    private static void awaitEnd(ProcessHandle process) {
        try {
            process.onExit().get(20, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError("process " + process.pid() + " does not end", e);
        }
    }

    private static void signal(String name, long pid) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start().waitFor())
                .isZero();
    }
}
