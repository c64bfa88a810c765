package org.iommu4j.cli;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides which domain an event belongs to, since {@code iommu:map} and {@code iommu:unmap} name
 * none.
 *
 * <p>Where a flush named the domain ({@link EventWindow}), that is it. Elsewhere this is a guess,
 * made of two facts and a habit: a map can only belong to a domain in which its range is free, an
 * unmap belongs where its range is mapped, and a task mostly works on one device. So
 *
 * <ul>
 *   <li>a map goes to the domain its task last worked on if the range is free there, else to the
 *       first domain in which it is free, else to a new one;
 *   <li>an unmap goes to the domain in which most of its range is mapped; among equals to the one
 *       in which the range stands alone, then to the one its task last worked on, then to the one
 *       mapped in last.
 * </ul>
 *
 * An event that fits more than one domain equally well is counted as ambiguous. At most {@value
 * #LIMIT} domains are made up; after that a map over something mapped replaces it.
 */
final class DomainAttribution {
    /** The rule in a line, for the report. */
    static final String HEURISTIC =
            "by flush events where there are any; else a map goes where its range is free,"
                    + " an unmap where it is mapped, and a task stays with its domain";

    static final int LIMIT = 256;

    private final List<TracedDomain> domains = new ArrayList<>();
    private final TaskDomains taskDomains = new TaskDomains();
    private long ambiguous;
    private long misattributed;

    /** The domains found so far, in the order of appearance. */
    List<TracedDomain> domains() {
        return Collections.unmodifiableList(domains);
    }

    /** Events that could have belonged to several domains. */
    long ambiguous() {
        return ambiguous;
    }

    /** Unmaps that a flush named a domain for, but whose map had been given to another one. */
    long misattributed() {
        return misattributed;
    }

    /**
     * The domain a map belongs to; its range is free there, unless the trace names the domain or
     * there are too many.
     */
    TracedDomain ofMap(TraceEvent event) {
        TracedDomain domain =
                event.domain == TraceEvent.UNNAMED ? guessMap(event) : named(event.domain);
        taskDomains.note(event.task, domain.number);
        domain.lastMap = event.line;
        return domain;
    }

    /**
     * The domain an unmap belongs to. If nothing of its range is mapped there, it was never seen
     * mapped at all.
     */
    TracedDomain ofUnmap(TraceEvent event) {
        TracedDomain domain =
                event.domain == TraceEvent.UNNAMED ? holder(event, true) : namedHolder(event);
        taskDomains.note(event.task, domain.number);
        return domain;
    }

    private TracedDomain guessMap(TraceEvent event) {
        int habit = taskDomains.of(event.task);
        int chosen =
                habit >= 0 && domains.get(habit).live.isFree(event.iova, event.size) ? habit : -1;
        int fitting = chosen < 0 ? 0 : 1;
        for (int i = 0; i < domains.size() && fitting < 2; i++) {
            if (i != habit && domains.get(i).live.isFree(event.iova, event.size)) {
                chosen = chosen < 0 ? i : chosen;
                fitting++;
            }
        }
        if (fitting > 1) {
            ambiguous++;
        }
        if (chosen >= 0) {
            return domains.get(chosen);
        }
        return domains.size() < LIMIT
                ? create(TraceEvent.UNNAMED)
                : domains.get(Math.max(habit, 0));
    }

    /** The domain that a flush named, unless the range is mapped in another one only. */
    private TracedDomain namedHolder(TraceEvent event) {
        for (int i = 0; i < domains.size(); i++) {
            TracedDomain domain = domains.get(i);
            if (domain.name == event.domain
                    && !domain.live.isFree(event.iova, event.unmappedSize)) {
                return domain;
            }
        }
        TracedDomain holder = domains.isEmpty() ? create(event.domain) : holder(event, false);
        if (holder.live.isFree(event.iova, event.unmappedSize)) {
            return named(event.domain);
        }
        if (holder.name == TraceEvent.UNNAMED && !isKnown(event.domain)) {
            holder.name = event.domain;
        } else {
            misattributed++;
            named(event.domain);
        }
        return holder;
    }

    private TracedDomain holder(TraceEvent event, boolean count) {
        if (domains.isEmpty()) {
            return create(TraceEvent.UNNAMED);
        }
        if (domains.size() == 1) {
            return domains.getFirst();
        }
        TracedDomain best = domains.getFirst();
        long most = best.live.mappedBytes(event.iova, event.unmappedSize);
        boolean several = false;
        for (int i = 1; i < domains.size(); i++) {
            TracedDomain domain = domains.get(i);
            long mapped = domain.live.mappedBytes(event.iova, event.unmappedSize);
            if (mapped > most) {
                best = domain;
                most = mapped;
                several = false;
            } else if (mapped == most && mapped > 0) {
                several = true;
                best = likelier(event, domain, best);
            }
        }
        if (several && count) {
            ambiguous++;
        }
        return best;
    }

    private TracedDomain likelier(TraceEvent event, TracedDomain left, TracedDomain right) {
        boolean leftAlone = left.live.isRun(event.iova, event.unmappedSize);
        boolean rightAlone = right.live.isRun(event.iova, event.unmappedSize);
        if (leftAlone != rightAlone) {
            return leftAlone ? left : right;
        }
        int habit = taskDomains.of(event.task);
        if (habit == left.number || habit == right.number) {
            return habit == left.number ? left : right;
        }
        return left.lastMap > right.lastMap ? left : right;
    }

    /** The domain of a name; a name that is new goes to the first domain that has none. */
    private TracedDomain named(long name) {
        TracedDomain found = find(name);
        if (found == null) {
            found = find(TraceEvent.UNNAMED);
        }
        if (found == null) {
            return create(name);
        }
        found.name = name;
        return found;
    }

    private boolean isKnown(long name) {
        return find(name) != null;
    }

    private @Nullable TracedDomain find(long name) {
        for (int i = 0; i < domains.size(); i++) {
            if (domains.get(i).name == name) {
                return domains.get(i);
            }
        }
        return null;
    }

    private TracedDomain create(long name) {
        TracedDomain domain = new TracedDomain(domains.size(), name);
        domains.add(domain);
        return domain;
    }
}
