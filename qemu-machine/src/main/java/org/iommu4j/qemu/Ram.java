package org.iommu4j.qemu;

/**
 * Where the machine's memory is: physical addresses from 0, and a file.
 *
 * @param memory the bytes for whoever uses the machine, from address 0
 * @param tableStart the physical address of the memory for tables
 * @param tables its bytes
 */
record Ram(long memory, long tableStart, long tables) {

    /* With this much or more, QEMU's q35 puts what is above 2 GiB at 4 GiB. */
    private static final long LOW_END = 0xb000_0000L;

    /**
     * Lays out the memory of a machine.
     *
     * @param options how much there is
     * @return the layout
     * @throws IllegalArgumentException if it does not fit
     */
    static Ram of(QemuOptions options) {
        long end = options.memory() + options.tableMemory();
        if (end >= LOW_END) {
            throw new IllegalArgumentException(
                    "0x"
                            + Long.toHexString(options.memory())
                            + " bytes of memory and 0x"
                            + Long.toHexString(options.tableMemory())
                            + " for tables; both together less than 0x"
                            + Long.toHexString(LOW_END)
                            + " are legal");
        }
        return new Ram(options.memory(), options.memory(), options.tableMemory());
    }

    /** {@return the physical address behind the last byte} */
    long end() {
        return tableStart + tables;
    }

    /** {@return the size of the file, in bytes, which QEMU wants to be a multiple of 2 MiB} */
    long fileBytes() {
        long unit = 2L << 20;
        return (end() + unit - 1) / unit * unit;
    }
}
