package com.example.riscv.unit;

import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.SourceId;

/**
 * The unit as software sees it: its registers (RISC-V IOMMU, Memory-mapped register interface).
 * Commands are worked off by the thread that moves the tail of their queue.
 */
final class SoftwareUnit implements RemappingUnit, MmioRegion {

    private static final long ADDRESS = 0x1000_0000_0000L;
    private static final long SIZE = 0x1000;
    private static final int CAPABILITIES = 0;
    private static final int FCTL = 8;
    private static final int DDTP = 16;
    private static final int CQB = 24;
    private static final int CQH = 32;
    private static final int CQT = 36;
    private static final int FQB = 40;
    private static final int FQH = 48;
    private static final int FQT = 52;
    private static final int CQCSR = 72;
    private static final int FQCSR = 76;
    private static final int IPSR = 84;
    private static final int MODE = 0xf;
    private static final long PAGE_NUMBERS = 0x003f_ffff_ffff_fc00L;

    private final UnitModel model;
    private final Translator translator;
    private final CommandProcessor commands;
    private final FaultRecorder faults;

    SoftwareUnit(PhysicalMemory memory, UnitModel model, TableSanitizer sanitizer) {
        this.model = model;
        this.faults = new FaultRecorder(memory);
        this.translator = new Translator(memory, model, faults, sanitizer);
        this.commands = new CommandProcessor(memory, translator.caches());
    }

    Translator translator() {
        return translator;
    }

    @Override
    public MmioRegion registers() {
        return this;
    }

    @Override
    public boolean covers(SourceId device) {
        return true;
    }

    @Override
    public long address() {
        return ADDRESS;
    }

    @Override
    public long size() {
        return SIZE;
    }

    @Override
    public int read32(long offset) {
        return switch (checked(offset, Integer.BYTES)) {
            case FCTL -> 0;
            case CQH -> commands.head();
            case CQT -> commands.tail();
            case FQH -> faults.head();
            case FQT -> faults.tail();
            case CQCSR -> commands.control();
            case FQCSR -> faults.control();
            case IPSR -> 0;
            default -> (int) (read64(offset & -Long.BYTES) >>> (offset & 4) * Byte.SIZE);
        };
    }

    @Override
    public void write32(long offset, int value) {
        switch (checked(offset, Integer.BYTES)) {
            case CQT -> commands.moveTail(value);
            case FQH -> faults.moveHead(value);
            case CQCSR -> commands.control(value);
            case FQCSR -> faults.control(value);
            default -> {} // read-only, or nothing that this unit has
        }
    }

    @Override
    public long read64(long offset) {
        return switch (checked(offset, Long.BYTES)) {
            case CAPABILITIES -> model.capabilities();
            case DDTP -> translator.directory();
            case CQB -> commands.base();
            case FQB -> faults.base();
            default -> 0;
        };
    }

    @Override
    public void write64(long offset, long value) {
        switch (checked(offset, Long.BYTES)) {
            case DDTP -> {
                if (isLegal((int) value & MODE)) {
                    translator.directory(value & (PAGE_NUMBERS | MODE));
                }
            }
            case CQB -> commands.base(value);
            case FQB -> faults.base(value);
            default -> {} // read-only, or nothing that this unit has
        }
    }

    /* Off, bare, or a number of levels. What is not legal leaves the register as it was. */
    private boolean isLegal(int mode) {
        return mode <= 1 || (mode <= 4 && (model.directoryLevels() >>> mode - 1 & 1) != 0);
    }

    private static int checked(long offset, int bytes) {
        if (offset < 0 || offset > SIZE - bytes || (offset & bytes - 1) != 0) {
            throw new IndexOutOfBoundsException(
                    "no register of " + bytes + " bytes at 0x" + Long.toHexString(offset));
        }
        return (int) offset;
    }
}
