package org.iommu4j.flush.policy;

import java.time.Duration;
import org.iommu4j.flush.IotlbInvalidator;

/*
 * Several page-selective requests take the unit so many times as long as one. A domain-selective one takes as long as it
 * takes, and afterwards the domain's other translations are walked for again. So page-selective requests are worth it up
 * to the number of them that costs the same.
 */

/**
 * What requests cost, and so how many page-selective ones are better than one for the domain.
 *
 * @param page one page-selective request more
 * @param domain one domain-selective request, and what the device loses by it
 */
record RequestCost(Duration page, Duration domain) {

    static final int MOST_REQUESTS = 1024;

    private static final int PAGES = 32;
    private static final int DOMAINS = 8;
    private static final int ROUNDS = 7;

    /** {@return the most page-selective requests that cost no more than one for the domain} */
    int limit() {
        return Math.clamp(domain.toNanos() / Math.max(1, page.toNanos()), 1, MOST_REQUESTS);
    }

    /**
     * Measures what a unit takes, at its best. The requests are for nothing, and harmless.
     *
     * @param domainId a domain that the unit knows
     * @param refill what the device loses by a domain-selective request, which nobody can measure
     *     from here
     */
    static RequestCost measured(IotlbInvalidator unit, int domainId, Duration refill) {
        long page = Long.MAX_VALUE;
        long domain = Long.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) {
            domain = Math.min(domain, domains(unit, domainId));
            page = unit.maxOrder() < 0 ? domain : Math.min(page, pages(unit, domainId));
        }
        return new RequestCost(Duration.ofNanos(page), refill.plusNanos(domain));
    }

    private static long pages(IotlbInvalidator unit, int domainId) {
        long[] tickets = new long[PAGES];
        long start = System.nanoTime();
        for (int i = 0; i < PAGES; i++) {
            tickets[i] = unit.invalidatePages(domainId, 0, 0, true);
        }
        return waited(unit, tickets, start);
    }

    private static long domains(IotlbInvalidator unit, int domainId) {
        long[] tickets = new long[DOMAINS];
        long start = System.nanoTime();
        for (int i = 0; i < DOMAINS; i++) {
            tickets[i] = unit.invalidateDomain(domainId);
        }
        return waited(unit, tickets, start);
    }

    private static long waited(IotlbInvalidator unit, long[] tickets, long start) {
        for (long ticket : tickets) {
            unit.await(ticket);
        }
        return (System.nanoTime() - start) / tickets.length;
    }
}
