package com.example.riscv.unit;

import org.iommu4j.machine.PhysicalMemory;

/**
 * Page tables as the unit reads them (RISC-V Privileged Architecture, Virtual Address Translation
 * Process), by way of its caches. It sets neither A nor D: where they are clear, it faults.
 */
final class PageWalk {

    private static final long VALID = 1;
    private static final long READ = 1 << 1;
    private static final long WRITE = 1 << 2;
    private static final long EXECUTE = 1 << 3;
    private static final long USER = 1 << 4;
    private static final long ACCESSED = 1 << 6;
    private static final long DIRTY = 1 << 7;
    private static final long PAGE_NUMBERS = 0x003f_ffff_ffff_fc00L;
    /* Bit 63 is Svnapot's, 62 and 61 are Svpbmt's, which changes no address; the others are reserved. */
    private static final long RESERVED = 0x9fc0_0000_0000_0000L;
    private static final int READ_ACCESS_FAULT = 5;
    private static final int WRITE_ACCESS_FAULT = 7;
    private static final int READ_PAGE_FAULT = 13;
    private static final int WRITE_PAGE_FAULT = 15;
    private static final int READ_GUEST_PAGE_FAULT = 21;
    private static final int WRITE_GUEST_PAGE_FAULT = 23;

    private final PhysicalMemory memory;
    private final TranslationCaches caches;
    private final TableSanitizer sanitizer;

    PageWalk(PhysicalMemory memory, TranslationCaches caches, TableSanitizer sanitizer) {
        this.memory = memory;
        this.sanitizer = sanitizer;
        this.caches = caches;
    }

    /** Translates; returns the physical address, or the complement of a cause. */
    long translate(Tables tables, long iova, boolean read, boolean write) {
        if (!tables.covers(iova)) {
            return pageFault(tables, write);
        }
        for (int level = tables.levels() - 1; level >= 0; level--) {
            long leaf = caches.leaf(tables, level, iova);
            if (leaf != 0) {
                return use(leaf, level, tables, iova, read, write);
            }
        }
        return walk(tables, iova, read, write);
    }

    private long walk(Tables tables, long iova, boolean read, boolean write) {
        int level = tables.levels() - 1;
        long table = tables.root();
        for (int known = 1; known < tables.levels(); known++) {
            long below = caches.table(tables, known, iova);
            if (below != 0) {
                level = known - 1;
                table = below;
                break;
            }
        }
        for (; level >= 0; level--) {
            long place = table + tables.offset(iova, level);
            if (!memory.containsPage(place & -PhysicalMemory.PAGE_SIZE)) {
                return ~(write ? WRITE_ACCESS_FAULT : READ_ACCESS_FAULT);
            }
            sanitizer.walks(table, iova);
            long entry = memory.loadAcquire(place);
            if ((entry & VALID) == 0 || (entry & RESERVED) != 0) {
                return pageFault(tables, write);
            }
            if ((entry & (READ | WRITE | EXECUTE)) != 0) {
                boolean legal = isLegalLeaf(entry, level);
                if (legal) {
                    caches.rememberLeaf(tables, level, iova, entry);
                }
                return legal
                        ? use(entry, level, tables, iova, read, write)
                        : pageFault(tables, write);
            }
            if ((entry & (USER | ACCESSED | DIRTY)) != 0) {
                return pageFault(tables, write);
            }
            table = (entry & PAGE_NUMBERS) << 2;
            caches.rememberTable(tables, level, iova, table);
        }
        return pageFault(tables, write);
    }

    /** Neither writable without being readable, nor misaligned. */
    private static boolean isLegalLeaf(long entry, int level) {
        long output = (entry & PAGE_NUMBERS) << 2;
        return (entry & (READ | WRITE)) != WRITE && (output & (1L << Tables.shift(level)) - 1) == 0;
    }

    private static long use(
            long leaf, int level, Tables tables, long iova, boolean read, boolean write) {
        long needed = USER | ACCESSED | (read ? READ : 0) | (write ? WRITE | DIRTY : 0);
        if ((leaf & needed) != needed) {
            return pageFault(tables, write);
        }
        return (leaf & PAGE_NUMBERS) << 2 | iova & (1L << Tables.shift(level)) - 1;
    }

    private static long pageFault(Tables tables, boolean write) {
        return tables.stage() == Tables.FIRST
                ? ~(write ? WRITE_PAGE_FAULT : READ_PAGE_FAULT)
                : ~(write ? WRITE_GUEST_PAGE_FAULT : READ_GUEST_PAGE_FAULT);
    }
}
