package org.iommu4j.vtd;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.iommu4j.machine.PageList;

/**
 * Scalable mode: the context entry of a device leads to a PASID directory, and the PASID entry
 * names the page tables (VT-d, Scalable-Mode Context Entry and Scalable-Mode PASID Table Entry).
 * Requests without a process address space id go by the entry of id 0.
 *
 * <p>A device has a directory while anything of it is within reach, and a context entry while
 * anything of it is attached.
 */
final class PasidTables implements SourceTables {

    /** How many bits of a process address space id one page of directory tells apart. */
    static final int PASID_BITS = PasidDirectory.PASID_BITS;

    /** The size of a context entry, in bytes. */
    static final int ENTRY_BYTES = 32;

    private static final long SCALABLE = 1 << 10;
    private static final long PRESENT = 1;
    private static final long DEVICE_TLB = 1 << 2;
    private static final long WITH_PASID = 1 << 3;
    private static final long PAGE_REQUESTS = 1 << 4;
    private static final int DIRECTORY_SIZE_SHIFT = 9;

    private final StructureMemory memory;
    private final UnitCapabilities unit;
    private final RootTable root;
    private final Map<Integer, PasidDirectory> directories = new HashMap<>();

    PasidTables(StructureMemory memory, UnitCapabilities unit) {
        this.memory = memory;
        this.unit = unit;
        this.root = new RootTable(memory, ENTRY_BYTES);
    }

    @Override
    public long rootPointer() {
        return root.address() | SCALABLE;
    }

    @Override
    public void reach(Route route) {
        PasidDirectory directory = directories.get(route.requester());
        boolean reached = root.reaches(route.requester());
        boolean hasTable = directory != null && directory.reaches(route.taggedPasid());
        PageList pages =
                memory.take((reached ? 0 : 1) + (directory == null ? 1 : 0) + (hasTable ? 0 : 1));
        if (!reached) {
            root.link(route.requester(), pages.removeLast());
        }
        if (directory == null) {
            directory = new PasidDirectory(memory, pages.removeLast());
            directories.put(route.requester(), directory);
        }
        if (!hasTable) {
            directory.link(route.taggedPasid(), pages.removeLast());
        }
        directory.claim(route.taggedPasid());
    }

    @Override
    public List<Descriptor> set(Route route, VtdDomain domain) {
        PasidDirectory directory = directory(route);
        directory.set(route.taggedPasid(), PasidEntry.of(unit, domain));
        List<Descriptor> forget = new ArrayList<>();
        long entry = root.entry(route.requester());
        if ((memory.load(entry) & PRESENT) == 0) {
            memory.storeEntry(entry, contextEntry(directory), 0, 0, 0);
            forget.add(Descriptor.contextOf(0, route.requester()));
        }
        forget.add(Descriptor.pasidOf(0, route.taggedPasid()));
        forget.add(IotlbTag.of(route, domain).everything());
        return forget;
    }

    private long contextEntry(PasidDirectory directory) {
        return directory.address()
                | PasidDirectory.SIZE_CODE << DIRECTORY_SIZE_SHIFT
                | (unit.pasidBits() > 0 ? WITH_PASID : 0)
                | PRESENT;
    }

    @Override
    public List<Descriptor> clear(Route route, VtdDomain domain) {
        PasidDirectory directory = directory(route);
        directory.clear(route.taggedPasid());
        List<Descriptor> forget = new ArrayList<>();
        if (directory.holdsOnly(route.taggedPasid())) {
            long entry = root.entry(route.requester());
            memory.store(entry, memory.load(entry) & ~PRESENT);
            forget.add(Descriptor.contextOf(0, route.requester()));
        }
        forget.add(Descriptor.pasidOf(domain.id().value(), route.taggedPasid()));
        forget.add(IotlbTag.of(route, domain).everything());
        return forget;
    }

    @Override
    public void wipe(Route route) {
        PasidDirectory directory = directory(route);
        directory.wipe(route.taggedPasid());
        if (directory.isEmpty()) {
            memory.storeEntry(root.entry(route.requester()), 0, 0, 0, 0);
            directories.remove(route.requester());
            directory.free();
        }
    }

    @Override
    public List<Descriptor> serve(Route route, boolean on) {
        long entry = root.entry(route.requester());
        long served = DEVICE_TLB | PAGE_REQUESTS;
        long word = memory.load(entry);
        memory.store(entry, on ? word | served : word & ~served);
        return List.of(Descriptor.contextOf(0, route.requester()));
    }

    @Override
    public List<Descriptor> keepDirtyBits(Route route, DomainId id, boolean on) {
        directory(route).keepDirtyBits(route.taggedPasid(), on);
        return List.of(
                Descriptor.pasidOf(id.value(), route.taggedPasid()),
                IotlbTag.of(route, id).everything());
    }

    @Override
    public void free() {
        directories.values().forEach(PasidDirectory::free);
        directories.clear();
        root.free();
    }

    private PasidDirectory directory(Route route) {
        PasidDirectory directory = directories.get(route.requester());
        if (directory == null) {
            throw new IllegalStateException(route + " is not within reach");
        }
        return directory;
    }
}
