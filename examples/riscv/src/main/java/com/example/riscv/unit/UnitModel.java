package com.example.riscv.unit;

/**
 * What kind of unit a machine has.
 *
 * @param capabilities its register of that name
 * @param directoryLevels the levels that its device directory may have, a bit each from bit 1 on
 * @param devices how many devices the machine has, 1 to 31
 */
public record UnitModel(long capabilities, int directoryLevels, int devices) {

    static final int MOST_DEVICES = 31;

    private static final long VERSION = 0x10;
    private static final long SV39_48_57 = 7 << 9;
    private static final long SVPBMT = 1 << 15;
    private static final long SV39X4_48X4_57X4 = 7 << 17;
    private static final long MSI_FLAT = 1 << 22;
    private static final long PHYSICAL_46_BITS = 46L << 32;

    /** Everything that this software has, and two devices. */
    public static final UnitModel USUAL =
            new UnitModel(
                    VERSION | SV39_48_57 | SVPBMT | SV39X4_48X4_57X4 | PHYSICAL_46_BITS, 0xe, 2);

    /** {@return the same with device contexts of the extended format} */
    public UnitModel withExtendedContexts() {
        return withCapabilities(capabilities | MSI_FLAT);
    }

    /**
     * Sets the register.
     *
     * @param value what it reads as
     * @return a changed model
     */
    public UnitModel withCapabilities(long value) {
        return new UnitModel(value, directoryLevels, devices);
    }

    /**
     * Sets the legal numbers of directory levels.
     *
     * @param levels a bit each, from bit 1 on
     * @return a changed model
     */
    public UnitModel withDirectoryLevels(int levels) {
        return new UnitModel(capabilities, levels, devices);
    }

    /**
     * Sets the number of devices.
     *
     * @param count 1 to 31
     * @return a changed model
     */
    public UnitModel withDevices(int count) {
        return new UnitModel(capabilities, directoryLevels, count);
    }

    boolean hasExtendedContexts() {
        return (capabilities & MSI_FLAT) != 0;
    }
}
