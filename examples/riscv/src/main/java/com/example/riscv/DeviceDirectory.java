package com.example.riscv;

import org.iommu4j.api.Stage;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;

/**
 * The tables that lead a unit from a device id to the device's context (RISC-V IOMMU, Device
 * Directory Table). Used by one thread at a time.
 */
final class DeviceDirectory {

    private static final int VALID = 1;
    private static final int ID_BITS = 24;
    private static final int BITS_A_LEVEL = 9;

    /* The words of a device context. An extended one has four more, about interrupts, which stay zero. */
    private static final int TRANSLATION_CONTROL = 0;
    private static final int SECOND_STAGE = 8;
    private static final int ATTRIBUTES = 16;
    private static final int FIRST_STAGE = 24;

    private final PhysicalMemory memory;
    private final TableAllocator allocator;
    private final int contextShift;
    private final PageList pages = new PageList();
    private final long root;
    private int levels;

    /**
     * Makes a directory without a device.
     *
     * @param extended true for contexts of 64 bytes, false for 32
     * @throws TableMemoryExhaustedException if there is no page for its root
     */
    DeviceDirectory(PhysicalMemory memory, TableAllocator allocator, boolean extended) {
        this.memory = memory;
        this.allocator = allocator;
        this.contextShift = extended ? 6 : 5;
        this.root = page();
    }

    /**
     * Points the unit to it.
     *
     * @param registers the unit's
     * @param mostDevices the largest device id there is
     * @return false if the unit has no directory that is large enough
     */
    boolean start(UnitRegisters registers, int mostDevices) {
        for (levels = 1; levels <= 3; levels++) {
            if (mostDevices >>> idBits() == 0 && registers.directory(levels + 1, root)) {
                return true;
            }
        }
        return false;
    }

    /** {@return true if it has a place for a device} */
    boolean holds(int deviceId) {
        return deviceId >>> idBits() == 0;
    }

    /**
     * Sends a device's requests through tables.
     *
     * @param deviceId a device whose requests go nowhere
     * @param context the domain's name
     * @param mode how the tables are read: 8 for three levels, 9 for four, 10 for five
     * @param table the root of the tables
     * @throws TableMemoryExhaustedException if there is no page for a table; no request goes
     *     anywhere then
     */
    void set(int deviceId, SoftContext context, int mode, long table) {
        long place = reach(deviceId);
        long pointer = (long) mode << 60 | table >>> PhysicalMemory.PAGE_SHIFT;
        boolean first = context.stage() == Stage.FIRST;
        memory.storePlain(place + SECOND_STAGE, first ? 0 : pointer | (long) context.id() << 44);
        memory.storePlain(place + ATTRIBUTES, first ? (long) context.id() << 12 : 0);
        memory.storePlain(place + FIRST_STAGE, first ? pointer : 0);
        memory.storeRelease(place + TRANSLATION_CONTROL, VALID);
        memory.fence();
    }

    /** Blocks a device's requests, as soon as the unit has forgotten its context. */
    void clear(int deviceId) {
        memory.storeRelease(reach(deviceId) + TRANSLATION_CONTROL, 0);
        memory.fence();
    }

    /** Gives every page back. */
    void free() {
        allocator.giveBack(pages);
    }

    /** The place of a device's context, in tables that are made where they are missing. */
    private long reach(int deviceId) {
        long table = root;
        for (int level = levels - 1; level > 0; level--) {
            long slot = table + (long) index(deviceId, level) * Long.BYTES;
            long entry = memory.loadPlain(slot);
            table = entry >>> 10 << PhysicalMemory.PAGE_SHIFT;
            if (entry == 0) {
                table = page();
                memory.storeRelease(slot, table >>> 2 | VALID);
            }
        }
        return table + ((long) index(deviceId, 0) << contextShift);
    }

    private int index(int deviceId, int level) {
        return level == 0
                ? deviceId & (1 << lowestBits()) - 1
                : deviceId >>> lowestBits() + BITS_A_LEVEL * (level - 1) & (1 << BITS_A_LEVEL) - 1;
    }

    /* The lowest table holds contexts, 64 or 128 of them; the others hold 512 pointers. */
    private int lowestBits() {
        return PhysicalMemory.PAGE_SHIFT - contextShift;
    }

    private int idBits() {
        return Math.min(ID_BITS, lowestBits() + BITS_A_LEVEL * (levels - 1));
    }

    private long page() {
        long page = allocator.take();
        if (page < 0) {
            throw new TableMemoryExhaustedException(1, allocator.free());
        }
        pages.add(page);
        return page;
    }
}
