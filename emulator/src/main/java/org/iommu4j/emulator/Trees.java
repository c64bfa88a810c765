package org.iommu4j.emulator;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The sets of tables that software has spoken of, by their root. Any thread may call any method.
 */
final class Trees {

    private final Map<Long, BelievedTables> byRoot = new ConcurrentHashMap<>();

    @Nullable BelievedTables find(long root) {
        return byRoot.get(root);
    }

    BelievedTables of(long root) {
        BelievedTables known = byRoot.get(root);
        return known != null ? known : byRoot.computeIfAbsent(root, BelievedTables::new);
    }
}
