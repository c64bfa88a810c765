package org.iommu4j.emulator;

import org.iommu4j.emulator.RootPointer.Root;
import org.iommu4j.emulator.WalkLoads.Overtaken;
import org.iommu4j.emulator.WalkLoads.Walk;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * Says which tables a request goes through: from the context cache and the PASID cache, or by a
 * walk that fills them. Any thread may call any method.
 */
final class SourceLookup {

    private final RootPointer rootPointer;
    private final TranslationCaches caches;
    private final ContextCache contexts;
    private final WalkLoads loads;
    private final LegacyWalk legacyWalk;
    private final ScalableWalk scalableWalk;
    private final PasidWalk pasidWalk;
    private final boolean cachingMode;
    private final @Nullable Audit audit;

    SourceLookup(
            Capabilities capabilities,
            RootPointer rootPointer,
            TranslationCaches caches,
            WalkLoads loads,
            @Nullable Audit audit) {
        this.rootPointer = rootPointer;
        this.caches = caches;
        this.contexts = caches.contexts();
        this.loads = loads;
        this.legacyWalk = new LegacyWalk(capabilities, loads);
        this.scalableWalk = new ScalableWalk(capabilities, loads);
        this.pasidWalk = new PasidWalk(capabilities, loads);
        this.cachingMode = capabilities.cachingMode();
        this.audit = audit;
    }

    /**
     * Looks up.
     *
     * @param source requester id
     * @param pasid the PASID that a request carries, or {@link SourceId#NO_PASID}
     * @param walk for which walk
     * @return what decides the request
     * @throws Overtaken if an invalidation came since the walk began
     */
    Context find(int source, int pasid, Walk walk) throws Overtaken {
        Context known = contexts.find(source, pasid);
        if (known != null) {
            return known;
        }
        Root root = rootPointer.current();
        Context read;
        if (root.isScalable()) {
            read = scalable(root, source, pasid, walk);
        } else if (!root.isLegacy()) {
            read = Context.fault(source, pasid, FaultReason.ROOT_TABLE_ADDRESS, false);
        } else if (pasid != SourceId.NO_PASID) {
            read = Context.fault(source, pasid, FaultReason.PASID_IN_LEGACY_MODE, false);
        } else {
            read = legacy(root, source, walk);
        }
        loads.requireCurrent(walk);
        return read;
    }

    private Context legacy(Root root, int source, Walk walk) throws Overtaken {
        Context read = legacyWalk.walk(root.address(), source, walk);
        announce(read);
        if (!read.isFault() || cachingMode && read.isAbsent()) {
            caches.add(read, walk.generation());
        }
        return read;
    }

    private Context scalable(Root root, int source, int carried, Walk walk) throws Overtaken {
        DeviceContext device = device(root, source, walk);
        int code = device.refuses(carried);
        if (code != FaultReason.NONE) {
            boolean silent = (device.flags() & Context.SILENT) != 0;
            return Context.fault(source, carried, code, silent);
        }
        Context entry = entry(device, device.pasidOf(carried), walk).by(device);
        announce(entry);
        if (!entry.isFault() || cachingMode && entry.isAbsent()) {
            caches.addEntry(entry, walk.generation());
            if (carried == SourceId.NO_PASID) {
                caches.add(entry, walk.generation());
            }
        }
        return entry;
    }

    private DeviceContext device(Root root, int source, Walk walk) throws Overtaken {
        DeviceContext known = contexts.device(source);
        if (known != null) {
            return known;
        }
        DeviceContext read = scalableWalk.walk(root.address(), source, walk);
        if (!read.isFault() || cachingMode && read.isAbsent()) {
            caches.add(read, walk.generation());
        }
        return read;
    }

    private Context entry(DeviceContext device, int pasid, Walk walk) throws Overtaken {
        Context known = contexts.entry(device.source(), pasid);
        return known != null ? known : pasidWalk.walk(device, pasid, walk);
    }

    private void announce(Context read) {
        if (audit != null && !read.isFault() && read.stage.hasTables()) {
            audit.tables(read.root, read.levels, read.stage.entries());
        }
    }
}
