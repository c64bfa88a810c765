package org.iommu4j.emulator;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Predicate;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * The context cache and the PASID cache: what context entries said, by requester id, and what
 * entries of PASID tables said, by requester id and PASID. The one forgets without the other.
 *
 * <p>Lookups take no lock; changes are made under that of {@link TranslationCaches}.
 */
final class ContextCache {

    private static final int SOURCES = 1 << 16;
    private static final int PASIDS = 1 << 14;

    /* Of requests without a PASID, in both modes; in scalable mode made of the other two. */
    private final AtomicReferenceArray<@Nullable Context> contexts =
            new AtomicReferenceArray<>(SOURCES);
    private final AtomicReferenceArray<@Nullable DeviceContext> devices =
            new AtomicReferenceArray<>(SOURCES);
    private final EntryArray<Context> pasids;
    private final @Nullable Dice dice;
    private int bound;

    ContextCache(int ways, @Nullable Dice dice) {
        this.pasids = new EntryArray<>(PASIDS, ways);
        this.dice = dice;
    }

    /**
     * Looks up what both caches together say.
     *
     * @param source requester id
     * @param pasid the PASID that a request carries, or {@link SourceId#NO_PASID}
     * @return what is known, or null
     */
    @Nullable Context find(int source, int pasid) {
        Context found = pasid < 0 ? contexts.get(source) : findBoth(source, pasid);
        return found != null && dice != null && dice.oneIn(8) ? null : found;
    }

    private @Nullable Context findBoth(int source, int pasid) {
        DeviceContext device = devices.get(source);
        if (device == null || device.refuses(pasid) != FaultReason.NONE) {
            return null;
        }
        Context found = pasids.find(Context.tag(source, 0), pasid);
        return found != null && device.equals(found.device) ? found : null;
    }

    /** {@return what is known of a source's context entry in scalable mode, or null} */
    @Nullable DeviceContext device(int source) {
        DeviceContext found = devices.get(source);
        return found != null && dice != null && dice.oneIn(8) ? null : found;
    }

    /** {@return what is known of an entry of a source's PASID table, or null} */
    @Nullable Context entry(int source, int pasid) {
        Context found = pasids.find(Context.tag(source, 0), pasid);
        return found != null && dice != null && dice.oneIn(8) ? null : found;
    }

    /** Adds what is said of a source's requests without a PASID. */
    void put(Context context) {
        contexts.set(context.source, context);
        bound = Math.max(bound, context.source + 1);
    }

    void putDevice(DeviceContext device) {
        devices.set(device.source(), device);
        bound = Math.max(bound, device.source() + 1);
    }

    void putEntry(Context entry) {
        pasids.put(entry);
    }

    /**
     * Drops what context entries said of some sources, in legacy mode where they name a domain.
     *
     * @param domain domain id
     * @param source requester id
     * @param functionMask 0 to 3: how many of the function number's bits do not count, highest
     *     first
     */
    void dropSource(int domain, int source, int functionMask) {
        int counts = ~(0b111 & ~(0b111 >>> functionMask));
        dropIf(found ->
                (found.domain == domain || !isLegacy(found))
                        && (found.source & counts) == (source & counts));
        dropDevices(found -> (found.source() & counts) == (source & counts));
    }

    /** Drops what context entries said of a domain; those of scalable mode name none, and go. */
    void dropDomain(int domain) {
        dropIf(found -> found.domain == domain || !isLegacy(found));
        dropDevices(_ -> true);
    }

    /** Drops what context entries said. */
    void dropAll() {
        dropIf(_ -> true);
        dropDevices(_ -> true);
    }

    /** Drops what entries of PASID tables said. */
    void dropPasids() {
        pasids.clear();
        dropIf(found -> !isLegacy(found));
    }

    /** Drops what entries of PASID tables said that name a domain. */
    void dropPasids(int domain) {
        pasids.removeIf(found -> found.domain == domain);
        dropIf(found -> found.domain == domain && !isLegacy(found));
    }

    /** Drops what entries of PASID tables said of a PASID; that there is none, for any domain. */
    void dropPasid(int domain, int pasid) {
        Predicate<Context> concerned =
                found -> found.pasid == pasid && (found.domain == domain || found.isAbsent());
        pasids.removeIf(concerned);
        dropIf(found -> concerned.test(found) && !isLegacy(found));
    }

    private static boolean isLegacy(Context context) {
        return context.device == null;
    }

    private void dropIf(Predicate<Context> condition) {
        for (int source = 0; source < bound; source++) {
            Context found = contexts.getPlain(source);
            if (found != null && condition.test(found)) {
                contexts.set(source, null);
            }
        }
    }

    private void dropDevices(Predicate<DeviceContext> condition) {
        for (int source = 0; source < bound; source++) {
            DeviceContext found = devices.getPlain(source);
            if (found != null && condition.test(found)) {
                devices.set(source, null);
            }
        }
    }
}
