package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.iommu4j.api.IommuDomain;

/*
 * T2: a successful call takes effect page by page in some order; a failing call has no effect, and what it failed for was
 * true at one instant. So each page is explained by itself: some order of the calls that touch it, in which calls that
 * followed each other stay in order, makes each map find the page free, each read find what it found, and leaves what is
 * there now. Each such order says of each unmap whether it took the page, and of each refused map whether the page was in
 * its way. The pages together must be able to say as many pages for an unmap as it returned, and one at least for a refusal.
 */

/** Looks for an order of calls that explains what they returned and what they left. */
final class Explanation {

    private static final int BITS = 7;

    private final long[] before;
    private final long[] after;
    private final List<Outcome> outcomes;

    Explanation(long[] before, long[] after, List<Outcome> outcomes) {
        this.before = before;
        this.after = after;
        this.outcomes = outcomes;
    }

    /** Empty if there is one, else what cannot be explained. */
    String missing() {
        Set<Long> sums = Set.of(0L);
        for (int page = 0; page < before.length; page++) {
            Set<Long> claims = new HashSet<>();
            List<Outcome> here = touching(page);
            order(page, here, new boolean[here.size()], here.size(), before[page], 0, claims);
            if (claims.isEmpty()) {
                return "no order of the calls explains page "
                        + page
                        + ", which was 0x"
                        + Long.toHexString(before[page])
                        + " and is 0x"
                        + Long.toHexString(after[page]);
            }
            sums = combined(sums, claims);
        }
        return sums.contains(expected()) ? "" : "no order of the calls explains the results";
    }

    private List<Outcome> touching(int page) {
        List<Outcome> here = new ArrayList<>();
        for (Outcome outcome : outcomes) {
            Call call = outcome.call;
            boolean matters = call.reads() || call.changes(page);
            if (matters
                    && call.touches(page)
                    && (outcome.isDone() || outcome.result == Outcome.Result.CONFLICT)) {
                here.add(outcome);
            }
        }
        return here;
    }

    private void order(
            int page,
            List<Outcome> here,
            boolean[] placed,
            int left,
            long state,
            long claim,
            Set<Long> claims) {
        if (left == 0) {
            if (state == after[page]) {
                claims.add(claim);
            }
            return;
        }
        for (int i = 0; i < placed.length; i++) {
            if (!placed[i] && mayBeNext(here, placed, i)) {
                Outcome next = here.get(i);
                long becomes = effect(next, page, state);
                if (becomes != IMPOSSIBLE) {
                    boolean counts =
                            state != IommuDomain.NOT_MAPPED
                                    && (next.call.verb() == Call.Verb.UNMAP || !next.isDone());
                    placed[i] = true;
                    order(
                            page,
                            here,
                            placed,
                            left - 1,
                            becomes,
                            claim | (counts ? unit(next) : 0),
                            claims);
                    placed[i] = false;
                }
            }
        }
    }

    private static final long IMPOSSIBLE = -2;

    private static boolean mayBeNext(List<Outcome> here, boolean[] placed, int candidate) {
        for (int i = 0; i < placed.length; i++) {
            if (!placed[i] && i != candidate && here.get(i).isBefore(here.get(candidate))) {
                return false;
            }
        }
        return true;
    }

    private static long effect(Outcome outcome, int page, long state) {
        Call call = outcome.call;
        if (!outcome.isDone()) {
            return state;
        }
        if (call.reads()) {
            return outcome.seen[page - call.first()] == state ? state : IMPOSSIBLE;
        }
        if (call.maps()) {
            return state == IommuDomain.NOT_MAPPED
                    ? call.output() + Call.bytes(page - call.first())
                    : IMPOSSIBLE;
        }
        return IommuDomain.NOT_MAPPED;
    }

    /** One page counted for a call. */
    private long unit(Outcome outcome) {
        return 1L << BITS * outcomes.indexOf(outcome);
    }

    private Set<Long> combined(Set<Long> sums, Set<Long> claims) {
        Set<Long> combined = new HashSet<>();
        for (long sum : sums) {
            for (long claim : claims) {
                combined.add(saturated(sum, claim));
            }
        }
        return combined;
    }

    /** Adds; a refusal counts no further than one. */
    private long saturated(long sum, long claim) {
        long total = sum + claim;
        for (Outcome outcome : outcomes) {
            if (!outcome.isDone() && (sum & claim & unit(outcome)) != 0) {
                total -= unit(outcome);
            }
        }
        return total;
    }

    private long expected() {
        long expected = 0;
        for (Outcome outcome : outcomes) {
            if (outcome.isDone() && outcome.call.verb() == Call.Verb.UNMAP) {
                expected += unit(outcome) * outcome.pages;
            } else if (outcome.result == Outcome.Result.CONFLICT) {
                expected += unit(outcome);
            }
        }
        return expected;
    }
}
