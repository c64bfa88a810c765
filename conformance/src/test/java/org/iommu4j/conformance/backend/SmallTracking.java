package org.iommu4j.conformance.backend;

import java.util.List;
import org.iommu4j.api.DirtySink;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;

/** Reads dirty bits, leaf by leaf. */
final class SmallTracking implements DirtyTracking {

    private final SmallDomain domain;
    private final List<Mapping> gone;

    SmallTracking(SmallDomain domain, List<Mapping> gone) {
        this.domain = domain;
        this.gone = gone;
    }

    @Override
    public void readAndClear(long iova, long size, DirtySink sink, IotlbGather gather) {
        gone.forEach(mapping -> sink.dirty(mapping.iova(), mapping.size()));
        gone.clear();
        SmallTables tables = domain.tables();
        long dirty = tables.format.dirtyMask();
        int[] told = new int[1];
        domain.mappings(
                iova,
                size,
                (at, output, bytes, access) -> {
                    SmallTables.Slot slot = tables.find(at);
                    long entry = slot.entry();
                    if ((entry & dirty) == 0) {
                        return true;
                    }
                    boolean tells =
                            !tables.has(Flaw.DIRTY_IS_CLEARED_AND_NOT_TOLD) || told[0]++ < 3;
                    if (tells) {
                        sink.dirty(at, bytes);
                    }
                    while (!tables.has(Flaw.DIRTY_IS_NOT_CLEARED)) {
                        long found =
                                tables.memory.compareAndExchange(
                                        slot.address(), entry, entry & ~dirty);
                        if (found == entry) {
                            break;
                        }
                        entry = found;
                    }
                    if (!tables.has(Flaw.DIRTY_IS_CLEARED_AND_NOT_INVALIDATED)) {
                        tables.note(gather, at, bytes, false);
                    }
                    return true;
                });
    }

    @Override
    public void peek(long iova, long size, DirtySink sink) {
        SmallTables tables = domain.tables();
        domain.mappings(
                iova,
                size,
                (at, output, bytes, access) -> {
                    if ((tables.find(at).entry() & tables.format.dirtyMask()) != 0) {
                        sink.dirty(at, bytes);
                    }
                    return true;
                });
        gone.forEach(mapping -> sink.dirty(mapping.iova(), mapping.size()));
    }

    @Override
    public void close() {}
}
