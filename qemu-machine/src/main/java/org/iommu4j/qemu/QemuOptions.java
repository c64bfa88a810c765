package org.iommu4j.qemu;

import java.time.Duration;
import java.util.Objects;
import org.iommu4j.machine.PhysicalMemory;

/**
 * What a {@link QemuMachine} is made of. Immutable: each {@code with} method returns a copy.
 *
 * @param memory the memory for whoever uses the machine, from physical address 0, in bytes; a
 *     positive multiple of 4096
 * @param tableMemory the memory for tables and queues, above the other, in bytes; a positive
 *     multiple of 4096
 * @param devices how many devices there are, 1 to 16
 * @param addressWidth the width of I/O virtual and of physical addresses, in bits: 39 or 48
 * @param cachingMode whether the unit may cache that nothing is there
 * @param snoopControl whether page-table entries may ask for snooping
 * @param mode which translations the unit offers
 * @param binary the name of the program, looked for on PATH, or a path to it
 * @param patience how long QEMU may take to start, and to answer
 */
public record QemuOptions(
        long memory,
        long tableMemory,
        int devices,
        int addressWidth,
        boolean cachingMode,
        boolean snoopControl,
        TranslationMode mode,
        String binary,
        Duration patience) {

    /** The environment variable that names the program to use by default. */
    public static final String BINARY_VARIABLE = "IOMMU4J_QEMU_BINARY";

    static final int MOST_DEVICES = 16;

    private static final String USUAL_BINARY = "qemu-system-x86_64";
    private static final Duration USUAL_PATIENCE = Duration.ofMinutes(1);

    /**
     * Checks the options by themselves.
     *
     * @throws IllegalArgumentException if one is not legal; the message says what would be
     */
    public QemuOptions {
        Objects.requireNonNull(mode, "mode");
        Objects.requireNonNull(binary, "binary");
        requireWholePages("memory", memory);
        requireWholePages("table memory", tableMemory);
        if (devices < 1 || devices > MOST_DEVICES) {
            throw new IllegalArgumentException(
                    devices + " devices; 1 to " + MOST_DEVICES + " are legal");
        }
        if (addressWidth != 39 && addressWidth != 48) {
            throw new IllegalArgumentException(
                    "an address width of " + addressWidth + " bits; QEMU's unit has 39 or 48");
        }
        if (!patience.isPositive()) {
            throw new IllegalArgumentException("a patience of " + patience + "; it is positive");
        }
    }

    /**
     * {@return 256 MiB of memory, 64 MiB for tables, two devices, 48 bits, legacy mode, and the
     * program that {@value #BINARY_VARIABLE} names, or {@code qemu-system-x86_64}}
     */
    public static QemuOptions defaults() {
        String named = System.getenv(BINARY_VARIABLE);
        return new QemuOptions(
                256L << 20,
                64L << 20,
                2,
                48,
                false,
                false,
                TranslationMode.LEGACY,
                named == null || named.isEmpty() ? USUAL_BINARY : named,
                USUAL_PATIENCE);
    }

    /**
     * Sets the memory for whoever uses the machine.
     *
     * @param bytes its size
     * @return a copy with it
     * @throws IllegalArgumentException if it is not legal
     */
    public QemuOptions withMemory(long bytes) {
        return new QemuOptions(
                bytes,
                tableMemory,
                devices,
                addressWidth,
                cachingMode,
                snoopControl,
                mode,
                binary,
                patience);
    }

    /**
     * Sets the memory for tables.
     *
     * @param bytes its size
     * @return a copy with it
     * @throws IllegalArgumentException if it is not legal
     */
    public QemuOptions withTableMemory(long bytes) {
        return new QemuOptions(
                memory,
                bytes,
                devices,
                addressWidth,
                cachingMode,
                snoopControl,
                mode,
                binary,
                patience);
    }

    /**
     * Sets the number of devices.
     *
     * @param count how many
     * @return a copy with it
     * @throws IllegalArgumentException if it is not legal
     */
    public QemuOptions withDevices(int count) {
        return new QemuOptions(
                memory,
                tableMemory,
                count,
                addressWidth,
                cachingMode,
                snoopControl,
                mode,
                binary,
                patience);
    }

    /**
     * Sets the width of addresses.
     *
     * @param bits the width
     * @return a copy with it
     * @throws IllegalArgumentException if it is not legal
     */
    public QemuOptions withAddressWidth(int bits) {
        return new QemuOptions(
                memory,
                tableMemory,
                devices,
                bits,
                cachingMode,
                snoopControl,
                mode,
                binary,
                patience);
    }

    /**
     * Sets what the unit can do.
     *
     * @param cachingMode whether it may cache that nothing is there
     * @param snoopControl whether entries may ask for snooping
     * @param mode which translations it offers
     * @return a copy with that
     */
    public QemuOptions withUnit(boolean cachingMode, boolean snoopControl, TranslationMode mode) {
        return new QemuOptions(
                memory,
                tableMemory,
                devices,
                addressWidth,
                cachingMode,
                snoopControl,
                mode,
                binary,
                patience);
    }

    /**
     * Sets the program.
     *
     * @param program its name, looked for on PATH, or a path to it
     * @return a copy with it
     */
    public QemuOptions withBinary(String program) {
        return new QemuOptions(
                memory,
                tableMemory,
                devices,
                addressWidth,
                cachingMode,
                snoopControl,
                mode,
                program,
                patience);
    }

    /**
     * Sets how long QEMU may take to answer.
     *
     * @param longest how long
     * @return a copy with it
     * @throws IllegalArgumentException if it is not positive
     */
    public QemuOptions withPatience(Duration longest) {
        return new QemuOptions(
                memory,
                tableMemory,
                devices,
                addressWidth,
                cachingMode,
                snoopControl,
                mode,
                binary,
                longest);
    }

    private static void requireWholePages(String what, long bytes) {
        if (bytes <= 0 || bytes % PhysicalMemory.PAGE_SIZE != 0) {
            throw new IllegalArgumentException(
                    what
                            + " of 0x"
                            + Long.toHexString(bytes)
                            + " bytes; a positive multiple of 0x1000 is legal");
        }
    }
}
