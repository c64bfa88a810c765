package org.iommu4j.qemu;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.MappedByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineFailureException;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.SourceId;

/**
 * A machine that is a QEMU process: its VT-d unit and its devices were written by others, and do
 * their work in another process. No guest code runs.
 *
 * <p>Memory begins at physical address 0. With 2.75 GiB or more, what would be between 2 and 4 GiB
 * is a hole, as in a PC: no device reaches it, and the memory for tables lies above 4 GiB. The
 * devices are 0000:00:01.0, 0000:00:02.0 and so on: SD host controllers with addresses of 32 bits
 * and no atomic operations. An I/O virtual address from 0xfee00000 to 0xfeefffff is an interrupt's:
 * it reaches nothing, and no fault is recorded. A translation to an address without memory behind
 * it reaches nothing either, and the device is not told.
 *
 * <p>Any thread may call any method. If QEMU ends or does not answer, every use of registers and
 * devices throws {@link MachineFailureException} from then on.
 */
public final class QemuMachine implements Machine {

    private static final long REGISTERS = 0xe000_0000L;
    private static final long REGISTERS_STEP = 0x1000;
    private static final long LOOK_MILLIS = 2;

    private final WorkFolder folder;
    private final QemuProcess process;
    private final Qtest qtest;
    private final PhysicalMemory memory;
    private final PhysicalMemory tableMemory;
    private final QemuOptions options;
    private final IntelIommu unit;
    private final List<SdDevice> devices;
    private final BurstWriter burstWriter;

    private QemuMachine(
            WorkFolder folder,
            QemuProcess process,
            Qtest qtest,
            PhysicalMemory memory,
            Ram ram,
            QemuOptions options,
            List<MappedByteBuffer> cards) {
        this.folder = folder;
        this.process = process;
        this.qtest = qtest;
        this.memory = memory;
        this.tableMemory = memory.part(ram.tableStart(), ram.tables());
        this.options = options;
        PciConfiguration pci = new PciConfiguration(qtest);
        Chipset.openLowMemory(pci);
        this.unit = new IntelIommu(qtest);
        this.devices = new ArrayList<>();
        for (int i = 0; i < options.devices(); i++) {
            SdController controller = controller(i);
            controller.start(pci);
            SdCard card = SdCard.start(qtest, controller, cards.get(i));
            devices.add(new SdDevice(qtest, controller, card));
        }
        SdController cardless = controller(options.devices());
        cardless.start(pci);
        this.burstWriter = new BurstWriter(qtest, cardless);
        SelfCheck.run(memory, unit.registers(), devices.getFirst());
    }

    /**
     * Starts QEMU.
     *
     * @param options what the machine is made of
     * @return the machine, which the caller closes
     * @throws IllegalArgumentException if the memory does not fit
     * @throws MachineFailureException if there is no QEMU, or none that can do what is asked for
     */
    public static QemuMachine create(QemuOptions options) {
        Ram ram = Ram.of(options);
        Installation installation = Installation.find(options.binary());
        WorkFolder folder =
                WorkFolder.create(ram.fileBytes() + (long) options.devices() * SdCard.BYTES);
        try {
            PhysicalMemory memory = ram.map(folder.file(CommandLine.MEMORY));
            List<MappedByteBuffer> cards = new ArrayList<>();
            for (int i = 0; i < options.devices(); i++) {
                cards.add(SdCard.create(folder.file(CommandLine.card(i))));
            }
            return start(installation, folder, memory, ram, options, cards);
        } catch (RuntimeException | Error e) {
            folder.close();
            throw e;
        }
    }

    @Override
    public PhysicalMemory memory() {
        return memory;
    }

    @Override
    public PhysicalMemory tableMemory() {
        return tableMemory;
    }

    @Override
    public int hostAddressWidth() {
        return options.addressWidth();
    }

    @Override
    public List<RemappingUnit> remappingUnits() {
        return List.of(unit);
    }

    @Override
    public List<Device> devices() {
        return List.copyOf(devices);
    }

    /** {@return a bus master that is none of the devices, and keeps the unit busy} */
    public BurstWriter burstWriter() {
        return burstWriter;
    }

    /**
     * Has QEMU write the memory to a file, as it is: for whoever wants to look at it from outside,
     * or to try what reads such files.
     *
     * @param format of which kind the file shall be
     * @param file its name; what is there is overwritten
     * @throws MachineFailureException if QEMU refuses, or does not answer
     */
    public void dump(DumpFormat format, Path file) {
        String name = Monitor.quoted(file.toAbsolutePath().toString());
        try (Monitor monitor = new Monitor(folder.file(CommandLine.MONITOR))) {
            if (format == DumpFormat.RAW) {
                long size = memory.start() + memory.size();
                monitor.execute(
                        "pmemsave", "\"val\": 0, \"size\": " + size + ", \"filename\": " + name);
            } else {
                String to = Monitor.quoted("file:" + file.toAbsolutePath());
                monitor.execute("dump-guest-memory", format.arguments() + ", \"protocol\": " + to);
            }
        }
    }

    /** {@return the number of the QEMU process} */
    public long processId() {
        return process.pid();
    }

    /** {@return the connection to QEMU} */
    Qtest qtest() {
        return qtest;
    }

    /** {@return where its files are} */
    Path folder() {
        return folder.path();
    }

    /** Ends QEMU and removes its files. Idempotent. */
    @Override
    public void close() {
        qtest.close();
        process.end();
        folder.close();
    }

    private static QemuMachine start(
            Installation installation,
            WorkFolder folder,
            PhysicalMemory memory,
            Ram ram,
            QemuOptions options,
            List<MappedByteBuffer> cards) {
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(folder.file(CommandLine.SOCKET)));
            server.configureBlocking(false);
            QemuProcess process =
                    QemuProcess.start(CommandLine.of(installation.program(), options, ram, folder));
            try {
                Qtest qtest = connect(server, process, options.patience());
                return assemble(folder, process, qtest, memory, ram, options, cards);
            } catch (MachineFailureException e) {
                boolean ended = !process.isAlive();
                process.end();
                throw ended
                        ? new MachineFailureException("QEMU does not start: " + process.state(), e)
                        : e;
            } catch (IOException | RuntimeException | Error e) {
                process.end();
                throw e;
            }
        } catch (IOException e) {
            throw new MachineFailureException("no connection to QEMU", e);
        }
    }

    private static QemuMachine assemble(
            WorkFolder folder,
            QemuProcess process,
            Qtest qtest,
            PhysicalMemory memory,
            Ram ram,
            QemuOptions options,
            List<MappedByteBuffer> cards) {
        try {
            return new QemuMachine(folder, process, qtest, memory, ram, options, cards);
        } catch (RuntimeException | Error e) {
            qtest.close();
            throw e;
        }
    }

    private static Qtest connect(ServerSocketChannel server, QemuProcess process, Duration patience)
            throws IOException {
        return new Qtest(accept(server, process, patience), process, patience);
    }

    private static SocketChannel accept(
            ServerSocketChannel server, QemuProcess process, Duration patience) throws IOException {
        long begin = System.nanoTime();
        while (true) {
            SocketChannel channel = server.accept();
            if (channel != null) {
                return channel;
            }
            if (!process.isAlive()) {
                throw new MachineFailureException("QEMU ended before it connected");
            }
            if (System.nanoTime() - begin > patience.toNanos()) {
                throw new MachineFailureException(
                        "QEMU did not connect for "
                                + patience.toMillis()
                                + " ms: "
                                + process.state());
            }
            process.console().read();
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(LOOK_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MachineFailureException("interrupted while QEMU was starting", e);
        }
    }

    private SdController controller(int number) {
        return new SdController(
                qtest,
                new SourceId(0, 0, CommandLine.slot(number), 0),
                REGISTERS + number * REGISTERS_STEP);
    }
}
