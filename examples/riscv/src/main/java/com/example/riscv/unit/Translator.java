package com.example.riscv.unit;

import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/** The way of one request through the unit (RISC-V IOMMU, Process to translate an IOVA). */
final class Translator {

    private static final int OFF = 256;
    private static final int DIRECTORY_ACCESS_FAULT = 257;
    private static final int NOT_VALID = 258;
    private static final int MISCONFIGURED = 259;
    private static final int DISALLOWED = 260;
    private static final int MODE = 0xf;
    private static final int MODE_OFF = 0;
    private static final int MODE_BARE = 1;
    private static final long PAGE_NUMBERS = 0x003f_ffff_ffff_fc00L;
    private static final long POINTER = (1L << 44) - 1;
    private static final int SCHEME_SHIFT = 60;
    private static final int SCHEME_OF_THREE_LEVELS = 8;
    private static final int SV39 = 9;
    private static final int SV39X4 = 17;

    private final PhysicalMemory memory;
    private final UnitModel model;
    private final FaultRecorder faults;
    private final TranslationCaches caches = new TranslationCaches();
    private final PageWalk walk;
    private final int contextShift;
    /* At reset nothing is translated; the specification would permit to block everything too. */
    private volatile long directory = MODE_BARE;

    Translator(
            PhysicalMemory memory,
            UnitModel model,
            FaultRecorder faults,
            TableSanitizer sanitizer) {
        this.memory = memory;
        this.model = model;
        this.faults = faults;
        this.walk = new PageWalk(memory, caches, sanitizer);
        this.contextShift = model.hasExtendedContexts() ? 6 : 5;
    }

    TranslationCaches caches() {
        return caches;
    }

    long directory() {
        return directory;
    }

    void directory(long value) {
        directory = value;
    }

    /**
     * Translates an address; the caller holds {@link TranslationCaches#request}. A fault is
     * recorded.
     *
     * @param deviceId who asks
     * @param iova the address
     * @param read true if it will read
     * @param write true if it will write
     * @return the physical address, or the complement of a cause
     */
    long translate(int deviceId, long iova, boolean read, boolean write) {
        long found = find(deviceId, iova, read, write);
        if (found < 0) {
            faults.record((int) ~found, deviceId, iova, write);
        }
        return found;
    }

    private long find(int deviceId, long iova, boolean read, boolean write) {
        int mode = (int) directory & MODE;
        if (mode == MODE_OFF) {
            return ~OFF;
        }
        if (mode == MODE_BARE) {
            return iova;
        }
        Tables tables = caches.device(deviceId);
        if (tables == null) {
            long place = contextPlace(deviceId, mode - 1);
            if (place < 0) {
                return place;
            }
            tables = context(place);
            if (tables == null) {
                return ~MISCONFIGURED;
            }
            caches.rememberDevice(deviceId, tables);
        }
        return walk.translate(tables, iova, read, write);
    }

    /** Walks the device directory to the valid context of a device. */
    private long contextPlace(int deviceId, int levels) {
        int lowestBits = PhysicalMemory.PAGE_SHIFT - contextShift;
        if (deviceId >>> lowestBits + 9 * (levels - 1) != 0) {
            return ~DISALLOWED;
        }
        long table = (directory & PAGE_NUMBERS) << 2;
        for (int level = levels - 1; level >= 0; level--) {
            if (!memory.containsPage(table)) {
                return ~DIRECTORY_ACCESS_FAULT;
            }
            if (level > 0) {
                int index = deviceId >>> lowestBits + 9 * (level - 1) & 0x1ff;
                long entry = memory.loadAcquire(table + (long) index * Long.BYTES);
                if ((entry & 1) == 0) {
                    return ~NOT_VALID;
                }
                if ((entry & ~(PAGE_NUMBERS | 1)) != 0) {
                    return ~MISCONFIGURED;
                }
                table = (entry & PAGE_NUMBERS) << 2;
            }
        }
        long place = table + ((long) (deviceId & (1 << lowestBits) - 1) << contextShift);
        return (memory.loadAcquire(place) & 1) == 0 ? ~NOT_VALID : place;
    }

    /** Reads a context; null if it asks for something that this unit does not have. */
    private @Nullable Tables context(long place) {
        long control = memory.loadAcquire(place);
        long second = memory.loadAcquire(place + 8);
        long attributes = memory.loadAcquire(place + 16);
        long first = memory.loadAcquire(place + 24);
        int secondScheme = (int) (second >>> SCHEME_SHIFT);
        int firstScheme = (int) (first >>> SCHEME_SHIFT);
        if (control != 1 || (secondScheme == 0) == (firstScheme == 0)) {
            return null;
        }
        boolean isFirst = firstScheme != 0;
        int number = (isFirst ? firstScheme : secondScheme) - SCHEME_OF_THREE_LEVELS;
        long root = ((isFirst ? first : second) & POINTER) << PhysicalMemory.PAGE_SHIFT;
        boolean has =
                number >= 0
                        && number <= 2
                        && (model.capabilities() >>> (isFirst ? SV39 : SV39X4) + number & 1) != 0;
        if (!has || (!isFirst && (root & 0x3fff) != 0)) {
            return null;
        }
        return isFirst
                ? new Tables(Tables.FIRST, (int) (attributes >>> 12) & 0xfffff, number + 3, root)
                : new Tables(Tables.SECOND, (int) (second >>> 44) & 0xffff, number + 3, root);
    }
}
