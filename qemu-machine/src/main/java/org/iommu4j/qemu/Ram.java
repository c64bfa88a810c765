package org.iommu4j.qemu;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.iommu4j.machine.MachineFailureException;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.PhysicalMemory.FilePart;

/*
 * QEMU's q35 is a PC: with less than 2.75 GiB its memory is in one piece, and the file is as the memory is. With more, what is
 * above 2 GiB stands from 4 GiB on, and follows the rest in the file.
 */

/**
 * Where the machine's memory is: physical addresses, and a file.
 *
 * @param memory the bytes for whoever uses the machine, from address 0
 * @param tableStart the physical address of the memory for tables
 * @param tables its bytes
 */
record Ram(long memory, long tableStart, long tables) {

    private static final long ONE_PIECE = 0xb000_0000L;
    private static final long LOW = 2L << 30;
    private static final long HIGH = 4L << 30;
    private static final long UNIT = 2L << 20;

    /**
     * Lays out the memory of a machine.
     *
     * @param options how much there is
     * @return the layout
     * @throws IllegalArgumentException if it does not fit
     */
    static Ram of(QemuOptions options) {
        long memory = options.memory();
        long tables = options.tableMemory();
        long most = 1L << options.addressWidth();
        boolean onePiece = memory < ONE_PIECE && tables < ONE_PIECE - memory;
        boolean endsInHole = !onePiece && memory > LOW && memory < HIGH;
        if (endsInHole || memory > most || tables > most - Math.max(memory, HIGH)) {
            throw new IllegalArgumentException(
                    hex(memory)
                            + " bytes of memory and "
                            + hex(tables)
                            + " for tables; legal are memory up to "
                            + hex(LOW)
                            + ", a little more if with the tables it is less than "
                            + hex(ONE_PIECE)
                            + ", or from "
                            + hex(HIGH)
                            + " on, with the tables up to "
                            + hex(most)
                            + ", "
                            + hex(LOW)
                            + " to "
                            + hex(HIGH)
                            + " being a hole then");
        }
        return new Ram(memory, onePiece ? memory : Math.max(memory, HIGH), tables);
    }

    /** {@return the physical address behind the last byte} */
    long end() {
        return tableStart + tables;
    }

    /** {@return the size of the file, in bytes, which QEMU wants to be a multiple of 2 MiB} */
    long fileBytes() {
        long wanted = isOnePiece() ? end() : Math.max(ONE_PIECE, LOW + end() - HIGH);
        return (wanted + UNIT - 1) / UNIT * UNIT;
    }

    /**
     * Makes the file, and maps it.
     *
     * @param file the file
     * @return the memory
     * @throws MachineFailureException if that is not possible
     */
    PhysicalMemory map(Path file) {
        try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
            opened.setLength(fileBytes());
            return PhysicalMemory.shared(file, end(), parts());
        } catch (IOException | UncheckedIOException e) {
            throw new MachineFailureException("cannot make the memory " + file, e);
        }
    }

    private boolean isOnePiece() {
        return tableStart < HIGH;
    }

    private List<FilePart> parts() {
        return isOnePiece()
                ? List.of(new FilePart(0, 0, end()))
                : List.of(new FilePart(0, 0, LOW), new FilePart(HIGH, LOW, end() - HIGH));
    }

    private static String hex(long bytes) {
        return "0x" + Long.toHexString(bytes);
    }
}
