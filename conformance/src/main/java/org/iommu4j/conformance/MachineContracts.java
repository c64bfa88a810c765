package org.iommu4j.conformance;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.Sanitizer;

/**
 * What every machine keeps, before any software drives its units: they translate nothing then, and
 * devices reach memory at its physical addresses.
 */
public final class MachineContracts {

    private static final String MACHINE = "machine";
    private static final long BYTES = 64L << 20;
    private static final long SEED = 20261123;
    private static final int THREADS = 3;
    private static final int ADDITIONS = 200;

    private static final List<Contract<MachineProvider>> ALL =
            List.of(
                    of(
                            "its memory is there, and what it keeps for tables is a part of it",
                            MachineContracts::memoryIsThere),
                    new Contract<>(
                            MACHINE,
                            "a size that is not legal is refused, and machines share nothing",
                            MachineContracts::machinesAreApart),
                    of(
                            "every device has a source id of its own, and one unit that covers it",
                            MachineContracts::everyDeviceHasOneUnit),
                    of(
                            "the registers of its units can be read, and lie beside each other",
                            MachineContracts::registersCanBeRead),
                    of(
                            "a device reads and writes memory, whatever the address and the length",
                            MachineContracts::devicesReachMemory),
                    of(
                            "a DMA that is blocked says so, and has changed nothing behind what it"
                                    + " transferred",
                            MachineContracts::blockedDmaChangesNothing),
                    of(
                            "additions of several devices to one word are not lost",
                            MachineContracts::additionsAreAtomic),
                    of(
                            "its witness can be told of everything, and its clock does not go back",
                            MachineContracts::theWitnessListens),
                    of(
                            "its sanitizer finds nothing where nothing was done",
                            MachineContracts::theSanitizerIsSilent),
                    of(
                            "close ends the devices, may be called again, and leaves memory readable",
                            MachineContracts::closeMayBeRepeated));

    private MachineContracts() {}

    /** {@return the contracts} */
    public static List<Contract<MachineProvider>> all() {
        return ALL;
    }

    /** Tries a machine. */
    private interface Body {
        void run(Machine machine, Evidence evidence) throws Exception;
    }

    private static Contract<MachineProvider> of(String sentence, Body body) {
        return new Contract<>(
                MACHINE,
                sentence,
                (provider, evidence) -> {
                    try (Machine machine = provider.create(BYTES)) {
                        body.run(machine, evidence);
                    }
                });
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    private static void memoryIsThere(Machine machine, Evidence evidence) {
        PhysicalMemory memory = machine.memory();
        PhysicalMemory tables = machine.tableMemory();
        long end = memory.start() + memory.size();
        evidence.require(
                memory.size() >= BYTES,
                () -> hex(BYTES) + " bytes were asked for, and there are " + hex(memory.size()));
        evidence.require(
                tables.start() >= memory.start() && tables.start() + tables.size() <= end,
                () ->
                        "the memory for tables ends at "
                                + hex(tables.start() + tables.size())
                                + ", the memory at "
                                + hex(end));
        evidence.require(
                machine.hostAddressWidth() < 64 && end >>> machine.hostAddressWidth() <= 1,
                () ->
                        "memory ends at "
                                + hex(end)
                                + ", in "
                                + machine.hostAddressWidth()
                                + " bits");
        long last = tables.start() + tables.size() - Long.BYTES;
        for (long at : new long[] {tables.start(), last}) {
            tables.storeRelease(at, 0x5ca1ab1e);
            evidence.require(
                    memory.loadAcquire(at) == 0x5ca1ab1e,
                    () ->
                            "a word stored in the tables' memory at "
                                    + hex(at)
                                    + " is not in memory");
            tables.storeRelease(at, 0);
        }
        evidence.require(
                tables.ledger().equals(memory.ledger()),
                () -> "the memory for tables has another ledger than the memory");
    }

    private static void machinesAreApart(MachineProvider provider, Evidence evidence) {
        for (long size : new long[] {0, -PhysicalMemory.PAGE_SIZE, BYTES + 1}) {
            try (Machine machine = provider.create(size)) {
                throw evidence.broken(
                        "a machine of "
                                + size
                                + " bytes was made, with "
                                + machine.memory().size()
                                + " bytes of memory");
            } catch (IllegalArgumentException e) {
                evidence.note("as it should be: " + e.getMessage());
            }
        }
        try (Machine one = provider.create(BYTES);
                Machine two = provider.create(BYTES)) {
            long at = Frames.of(one, evidence).start();
            one.memory().storeRelease(at, 0xace);
            evidence.require(
                    two.memory().loadAcquire(at) == 0,
                    () -> "what is stored in one machine is in the memory of another");
        }
    }

    private static void everyDeviceHasOneUnit(Machine machine, Evidence evidence) {
        Set<Object> sources = new HashSet<>();
        for (Device device : machine.devices()) {
            evidence.require(
                    sources.add(device.source()), () -> device.source() + " is there twice");
            long covering =
                    machine.remappingUnits().stream()
                            .filter(unit -> unit.covers(device.source()))
                            .count();
            evidence.require(
                    covering == 1 || machine.remappingUnits().isEmpty(),
                    () -> covering + " units cover " + device.source() + "; one is legal");
        }
    }

    private static void registersCanBeRead(Machine machine, Evidence evidence) {
        List<MmioRegion> regions =
                machine.remappingUnits().stream().map(RemappingUnit::registers).toList();
        for (MmioRegion region : regions) {
            evidence.note("registers at " + hex(region.address()) + ": " + hex(region.read64(0)));
            evidence.require(
                    (int) region.read64(0) == region.read32(0),
                    () ->
                            "the first register reads "
                                    + hex(region.read64(0))
                                    + " and differs in 32 bits");
            for (long offset : new long[] {region.size(), -8}) {
                requireOutside(region, offset, evidence);
            }
            long overlapping =
                    regions.stream()
                            .filter(other ->
                                    other.address() < region.address() + region.size()
                                            && region.address() < other.address() + other.size())
                            .count();
            evidence.require(
                    overlapping == 1,
                    () -> "the registers at " + hex(region.address()) + " overlap others");
        }
    }

    private static void requireOutside(MmioRegion region, long offset, Evidence evidence) {
        try {
            long value = region.read64(offset);
            throw evidence.broken(
                    "offset " + hex(offset) + " of " + hex(region.size()) + " reads " + hex(value));
        } catch (IndexOutOfBoundsException e) {
            evidence.note("as it should be: " + e.getMessage());
        }
    }

    private static void devicesReachMemory(Machine machine, Evidence evidence) {
        Frames frames = Frames.of(machine, evidence);
        Random random = new Random(SEED);
        evidence.note("seed " + SEED);
        for (Device device : frames.devices()) {
            for (int i = 0; i < 100; i++) {
                int length = 1 + random.nextInt(10_000);
                long at = frames.start() + random.nextInt(100_000);
                byte[] bytes = new byte[length];
                random.nextBytes(bytes);
                ByteBuffer data = ByteBuffer.wrap(bytes);
                DmaOutcome written = device.write(at, data);
                ByteBuffer back = ByteBuffer.allocate(length);
                DmaOutcome read = device.read(at, back);
                evidence.require(
                        written.isDone()
                                && read.isDone()
                                && !data.hasRemaining()
                                && !back.hasRemaining(),
                        () ->
                                device.source()
                                        + ", "
                                        + length
                                        + " bytes at "
                                        + hex(at)
                                        + " without translation: written "
                                        + written
                                        + ", "
                                        + data.remaining()
                                        + " left; read "
                                        + read
                                        + ", "
                                        + back.remaining()
                                        + " left");
                evidence.require(
                        back.flip().equals(ByteBuffer.wrap(bytes)),
                        () -> "what was written at " + hex(at) + " is not what is read");
            }
            frames.memory().storeRelease(frames.start() + 8, 0x1122_3344_5566_7788L);
            ByteBuffer word = word();
            evidence.require(
                    device.read(frames.start() + 8, word).isDone()
                            && word.getLong(0) == 0x1122_3344_5566_7788L,
                    () -> "a word of memory reads " + hex(word.getLong(0)) + " by DMA");
        }
    }

    private static void blockedDmaChangesNothing(Machine machine, Evidence evidence) {
        Frames frames = Frames.of(machine, evidence);
        long end = machine.memory().start() + machine.memory().size();
        Device device = frames.devices().getFirst();
        ByteBuffer target = ByteBuffer.allocate(16).putLong(0, 0x77).putLong(8, 0x77);
        DmaOutcome outcome = device.read(end + PhysicalMemory.PAGE_SIZE, target);
        evidence.require(
                !outcome.isDone() && target.position() == 0 && target.getLong(0) == 0x77,
                () ->
                        "a read behind the end of memory was "
                                + outcome
                                + ", transferred "
                                + target.position()
                                + " bytes, and left "
                                + hex(target.getLong(0))
                                + " where "
                                + hex(0x77)
                                + " was");
        ByteBuffer data = ByteBuffer.allocate(8);
        DmaOutcome written = device.write(end + PhysicalMemory.PAGE_SIZE, data);
        evidence.require(
                !written.isDone() && data.position() == 0,
                () ->
                        "a write behind the end of memory was "
                                + written
                                + ", and transferred "
                                + data.position()
                                + " bytes");
    }

    private static void additionsAreAtomic(Machine machine, Evidence evidence)
            throws InterruptedException {
        Frames frames = Frames.of(machine, evidence);
        List<Device> devices = frames.devices();
        long at = frames.start() + 64;
        frames.memory().storeRelease(at, 0);
        try {
            devices.getFirst().fetchAndAdd(at, 0, word());
        } catch (UnsupportedOperationException e) {
            throw evidence.skip("its devices have no atomic operations");
        }
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            Device device = devices.get(i % devices.size());
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int n = 0; n < ADDITIONS; n++) {
                                    device.fetchAndAdd(at, 1, word());
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        long sum = frames.memory().loadAcquire(at);
        evidence.require(
                sum == THREADS * ADDITIONS,
                () -> THREADS * ADDITIONS + " times 1 was added, and the word is " + sum);
    }

    private static void theWitnessListens(Machine machine, Evidence evidence) {
        long root = machine.tableMemory().start();
        long before = machine.witness().moment();
        machine.witness().tableLinked(root, root);
        machine.witness().mapped(root, 0, PhysicalMemory.PAGE_SIZE);
        machine.witness().unmapping(root, 0, PhysicalMemory.PAGE_SIZE);
        machine.witness().tableUnlinked(root, root);
        machine.witness().tableReturned(root, root);
        long after = machine.witness().moment();
        evidence.require(
                after > before || (after == 0 && before == 0),
                () -> "its clock said " + before + ", and says " + after + " later");
    }

    private static void theSanitizerIsSilent(Machine machine, Evidence evidence) {
        Sanitizer sanitizer =
                machine.sanitizer()
                        .orElseThrow(() -> evidence.skip("the machine offers no sanitizer"));
        Frames frames = Frames.of(machine, evidence);
        frames.devices().getFirst().read(frames.start(), word());
        evidence.require(
                sanitizer.count() == 0 && sanitizer.findings().isEmpty(),
                () -> "before anything was done it found " + sanitizer.findings());
    }

    private static void closeMayBeRepeated(Machine machine, Evidence evidence) {
        Frames frames = Frames.of(machine, evidence);
        frames.memory().storeRelease(frames.start(), 0xbed);
        machine.close();
        machine.close();
        evidence.require(
                frames.memory().loadAcquire(frames.start()) == 0xbed,
                () -> "after close memory is not what it was");
    }

    private static ByteBuffer word() {
        return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * The memory beside that for tables, and devices to use it.
     *
     * @param memory the machine's
     * @param start where there is a megabyte that nobody uses
     * @param devices at least one
     */
    private record Frames(PhysicalMemory memory, long start, List<Device> devices) {

        static Frames of(Machine machine, Evidence evidence) {
            PhysicalMemory memory = machine.memory();
            PhysicalMemory tables = machine.tableMemory();
            long megabyte = 1 << 20;
            boolean below = tables.start() - memory.start() >= 2 * megabyte;
            long start = below ? memory.start() + megabyte : tables.start() + tables.size();
            if (start + megabyte > memory.start() + memory.size()) {
                throw evidence.skip("there is no memory beside that for tables");
            }
            if (machine.devices().isEmpty()) {
                throw evidence.skip("there is no device that could do DMA");
            }
            return new Frames(memory, start, machine.devices());
        }
    }
}
