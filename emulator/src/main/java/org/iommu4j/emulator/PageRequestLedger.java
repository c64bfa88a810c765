package org.iommu4j.emulator;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which page requests software has seen, and which it has answered. Of a group that is its last
 * request. Any thread may call any method.
 */
final class PageRequestLedger {

    private record Group(int requester, int index) {}

    private record Space(int requester, int pasid) {}

    private record Entry(PageRequest request, boolean isAnswered) {}

    private final Map<Group, Entry> entries = new HashMap<>();
    private final Set<Space> marked = new HashSet<>();

    /** A request is in the queue. */
    synchronized void asked(PageRequest request) {
        if (request.isStopMarker()) {
            marked.add(new Space(request.requester(), request.pasid()));
        } else if (request.last()) {
            entries.put(new Group(request.requester(), request.group()), new Entry(request, false));
        }
    }

    /**
     * Software answers.
     *
     * @param requester requester id
     * @param pasid process address space id, or {@link org.iommu4j.machine.SourceId#NO_PASID}
     * @param index the index of the group
     * @return what is wrong with that; null if nothing is
     */
    synchronized @Nullable String answered(int requester, int pasid, int index) {
        Group group = new Group(requester, index);
        Entry entry = entries.get(group);
        if (entry != null && entry.request.pasid() == pasid && !entry.isAnswered) {
            entries.put(group, new Entry(entry.request, true));
            return null;
        }
        if (index == 0 && marked.contains(new Space(requester, pasid))) {
            return "a stop marker, which has no answer";
        }
        return entry != null && entry.request.pasid() == pasid
                ? "a page request a second time"
                : "no page request";
    }

    /**
     * A device will ask and be answered no more, or begins anew: what has no answer gets none.
     *
     * @param requester requester id
     * @return the requests without an answer
     */
    synchronized List<PageRequest> end(int requester) {
        List<PageRequest> left = new ArrayList<>();
        Iterator<Map.Entry<Group, Entry>> all = entries.entrySet().iterator();
        while (all.hasNext()) {
            Map.Entry<Group, Entry> next = all.next();
            if (next.getKey().requester == requester) {
                if (!next.getValue().isAnswered) {
                    left.add(next.getValue().request);
                }
                all.remove();
            }
        }
        marked.removeIf(space -> space.requester == requester);
        return left;
    }
}
