package org.iommu4j.flush.policy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;
import org.iommu4j.api.IotlbGather;
import org.jspecify.annotations.Nullable;

/**
 * The domains that have handed something over of late. Any thread may look one up, without a lock;
 * one lock orders whatever changes the table.
 */
final class BatchTable {

    private static final int BUCKETS = 1 << 10;

    private final AtomicReferenceArray<@Nullable DomainBatches> buckets =
            new AtomicReferenceArray<>(BUCKETS);
    private int size;

    /** Finds a domain; null if it is not there, or is only just being added. */
    @Nullable DomainBatches find(int domainId, IotlbGather.Owner owner) {
        DomainBatches found = buckets.getAcquire(bucket(domainId));
        while (found != null && !found.isOf(domainId, owner)) {
            found = found.next;
        }
        return found;
    }

    /** Finds a domain that is not retired, or adds it. */
    synchronized DomainBatches findOrAdd(
            int domainId, IotlbGather.Owner owner, Supplier<DomainBatches> made) {
        DomainBatches found = find(domainId, owner);
        if (found == null) {
            found = made.get();
            int bucket = bucket(domainId);
            found.next = buckets.get(bucket);
            buckets.setRelease(bucket, found);
            size++;
        }
        return found;
    }

    /** {@return every domain that is here} */
    synchronized List<DomainBatches> all() {
        List<DomainBatches> all = new ArrayList<>(size);
        for (int i = 0; i < BUCKETS && all.size() < size; i++) {
            for (DomainBatches at = buckets.get(i); at != null; at = at.next) {
                all.add(at);
            }
        }
        return all;
    }

    /** Forgets the domains that can be retired. */
    synchronized void retireIdle() {
        for (int i = 0, left = size; left > 0 && i < BUCKETS; i++) {
            DomainBatches before = null;
            for (DomainBatches at = buckets.get(i); at != null; at = at.next, left--) {
                if (!at.retireIfIdle()) {
                    before = at;
                    continue;
                }
                if (before == null) {
                    buckets.setRelease(i, at.next);
                } else {
                    before.next = at.next;
                }
                size--;
            }
        }
    }

    synchronized boolean isEmpty() {
        return size == 0;
    }

    private static int bucket(int domainId) {
        return domainId & BUCKETS - 1;
    }
}
