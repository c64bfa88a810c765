package org.iommu4j.inspector;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What was found so far. Of each kind only the first few are kept, since a broken table has
 * thousands; the others are counted.
 */
final class Findings {
    private static final int KEPT = 100;

    /** What can be found. */
    enum Kind {
        ROOT_RESERVED(Severity.ERROR),
        ROOT_EMPTY(Severity.WARNING),
        CONTEXT_INVALID(Severity.ERROR),
        PASID_INVALID(Severity.ERROR),
        OUTSIDE_IMAGE(Severity.ERROR),
        RESERVED_BITS(Severity.ERROR),
        MISALIGNED(Severity.ERROR),
        LOOP(Severity.ERROR),
        REACHED_TWICE(Severity.WARNING),
        SHARED_SUBTREE(Severity.WARNING),
        NOT_USER(Severity.WARNING),
        TABLES_WRITABLE(Severity.ERROR),
        TABLES_READABLE(Severity.WARNING),
        INTERRUPT_IOVA(Severity.WARNING),
        INTERRUPT_OUTPUT(Severity.ERROR),
        INTERRUPT_COVERED(Severity.NOTE),
        WRITABLE_BY_TWO(Severity.WARNING),
        DOMAIN_ID_REUSED(Severity.ERROR),
        NESTED(Severity.NOTE),
        IMAGE(Severity.NOTE),
        DEVICES(Severity.WARNING, 1),
        LIMIT(Severity.WARNING);

        private final Severity severity;
        private final int kept;

        Kind(Severity severity) {
            this(severity, KEPT);
        }

        Kind(Severity severity, int kept) {
            this.severity = severity;
            this.kept = kept;
        }
    }

    private final Map<Kind, List<Finding>> kept = new EnumMap<>(Kind.class);
    private final long[] counts = new long[Kind.values().length];

    /** Says whether more of a kind would be kept, so that its words are worth making. */
    boolean wants(Kind kind) {
        return ++counts[kind.ordinal()] <= kind.kept;
    }

    /** Adds a finding that {@link #wants} was asked about. */
    void put(Kind kind, String what, String where) {
        kept.computeIfAbsent(kind, k -> new ArrayList<>())
                .add(new Finding(kind.severity, what, where));
    }

    void add(Kind kind, String what, String where) {
        if (wants(kind)) {
            put(kind, what, where);
        }
    }

    /** All that were kept, worst first, each kind with a last one that counts the rest. */
    List<Finding> list() {
        List<Finding> all = new ArrayList<>();
        kept.forEach((kind, some) -> {
            all.addAll(some);
            long more = counts[kind.ordinal()] - some.size();
            if (more > 0) {
                all.add(
                        new Finding(
                                kind.severity,
                                "and " + more + " more of this kind",
                                some.getLast().what()));
            }
        });
        all.sort(Comparator.comparing(Finding::severity));
        return List.copyOf(all);
    }
}
