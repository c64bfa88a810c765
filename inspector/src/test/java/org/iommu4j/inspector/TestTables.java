package org.iommu4j.inspector;

import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;

/** VT-d structures written by hand into a small memory, right or wrong as a test wants them. */
final class TestTables {
    static final long READ_WRITE = 3;
    static final SourceId DEVICE = SourceId.parse("00:04.0");

    final PhysicalMemory memory;
    final long root;
    private final long contexts;
    private final Mode mode;
    private long nextPage = 0x1000;

    TestTables(Mode mode) {
        this.mode = mode;
        memory = PhysicalMemory.allocate(4 << 20);
        root = page();
        contexts = page();
        store(root, contexts | 1);
    }

    /** A page that nothing uses yet. */
    long page() {
        nextPage += 0x1000;
        return nextPage;
    }

    void store(long address, long value) {
        memory.storeRelease(address, value);
    }

    /** Gives a device second-stage tables of four levels in legacy mode. */
    void attach(SourceId device, int domainId, long tables) {
        long entry = contexts + (device.device() << 3 | device.function()) * 16L;
        store(entry, tables | 1);
        store(entry + 8, (long) domainId << 8 | 2);
    }

    /** Gives a device tables of its PASID 0 in scalable mode; {@code first} is the entry's word. */
    void attachPasid(SourceId device, int domainId, long first, long third) {
        long directory = page();
        long table = page();
        store(contexts + (device.device() << 3 | device.function()) * 32L, directory | 1);
        store(directory, table | 1);
        store(table + 8, domainId);
        store(table + 16, third);
        store(table, first | 1);
    }

    /** Adds the tables down to a level and returns where the entry of an address stands in it. */
    long path(long tables, long iova, int level, long bits) {
        long table = tables;
        for (int at = 3; at > level; at--) {
            long entry = entry(table, iova, at);
            if (memory.loadAcquire(entry) == 0) {
                store(entry, page() | bits);
            }
            table = memory.loadAcquire(entry) & 0xf_ffff_ffff_f000L;
        }
        return entry(table, iova, level);
    }

    void map(long tables, long iova, long output, int level) {
        store(path(tables, iova, level, READ_WRITE), output | READ_WRITE | (level > 0 ? 0x80 : 0));
    }

    Inspection inspect() {
        return Inspection.of(view(), pointer(), 46, Progress.NONE);
    }

    PhysicalView view() {
        return PhysicalView.of(memory);
    }

    RootPointer pointer() {
        return RootPointer.of(root, mode);
    }

    static long entry(long table, long iova, int level) {
        return table + (iova >>> 12 + 9 * level & 511) * 8;
    }
}
