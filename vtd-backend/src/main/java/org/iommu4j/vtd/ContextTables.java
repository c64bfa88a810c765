package org.iommu4j.vtd;

import java.util.List;
import org.iommu4j.api.Stage;

/** Legacy mode: the context entry of a device names its page tables (VT-d, Context Entry). */
final class ContextTables implements SourceTables {

    /** The size of a context entry, in bytes. */
    static final int ENTRY_BYTES = 16;

    private static final long PRESENT = 1;
    private static final long PASS_THROUGH = 2 << 2;
    private static final int DOMAIN_ID_SHIFT = 8;

    private final StructureMemory memory;
    private final UnitCapabilities unit;
    private final RootTable root;

    ContextTables(StructureMemory memory, UnitCapabilities unit) {
        this.memory = memory;
        this.unit = unit;
        this.root = new RootTable(memory, ENTRY_BYTES);
    }

    @Override
    public long rootPointer() {
        return root.address();
    }

    @Override
    public void reach(Route route) {
        if (!root.reaches(route.requester())) {
            root.link(route.requester(), memory.take(1).get(0));
        }
    }

    @Override
    public List<Descriptor> set(Route route, VtdDomain domain) {
        boolean through = domain.stage() == Stage.PASS_THROUGH;
        int width =
                through
                        ? unit.widestAddressCode()
                        : UnitCapabilities.addressWidthCode(domain.levels());
        memory.storeEntry(
                root.entry(route.requester()),
                (through ? PASS_THROUGH : domain.root()) | PRESENT,
                (long) domain.id().value() << DOMAIN_ID_SHIFT | width);
        return List.of(
                Descriptor.contextOf(0, route.requester()),
                IotlbTag.of(route, domain).everything());
    }

    @Override
    public List<Descriptor> clear(Route route, VtdDomain domain) {
        long entry = root.entry(route.requester());
        memory.store(entry, memory.load(entry) & ~PRESENT);
        return List.of(
                Descriptor.contextOf(domain.id().value(), route.requester()),
                IotlbTag.of(route, domain).everything());
    }

    @Override
    public void wipe(Route route) {
        memory.storeEntry(root.entry(route.requester()), 0, 0);
    }

    @Override
    public List<Descriptor> serve(Route route, boolean on) {
        throw new IllegalStateException("legacy mode has no page requests");
    }

    @Override
    public List<Descriptor> keepDirtyBits(Route route, DomainId id, boolean on) {
        throw new IllegalStateException("legacy mode has no dirty bits");
    }

    @Override
    public void free() {
        root.free();
    }
}
