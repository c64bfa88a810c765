package org.iommu4j.pagetable;

import java.util.BitSet;

/**
 * The pages among neighbours that are mapped and about to go: what a witness is told of them, run
 * by run, and not of the holes between them. Made only where a witness listens.
 */
final class RemovedPages {

    private final Tables tables;
    private final long iova;
    private final BitSet present;

    /** Looks at {@code count} entries of a table of level 0 that the caller has locked. */
    RemovedPages(Tables tables, long slot, long iova, int count) {
        this.tables = tables;
        this.iova = iova;
        this.present = new BitSet(count);
        for (int i = 0; i < count; i++) {
            present.set(i, tables.isPresent(tables.memory.loadPlain(slot + (long) i * Long.BYTES)));
        }
    }

    /** Has them cleared, saying so before and after. */
    void cleared(Runnable stores) {
        for (int from = present.nextSetBit(0); from >= 0; from = next(from)) {
            tables.unmapping(address(from), address(present.nextClearBit(from)) - 1);
        }
        stores.run();
        for (int from = present.nextSetBit(0); from >= 0; from = next(from)) {
            tables.unmapped(address(from), address(present.nextClearBit(from)) - 1);
        }
    }

    private int next(int from) {
        return present.nextSetBit(present.nextClearBit(from));
    }

    private long address(int index) {
        return iova + (long) index * tables.span(0);
    }
}
