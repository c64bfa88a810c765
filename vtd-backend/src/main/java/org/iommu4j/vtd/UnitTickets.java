package org.iommu4j.vtd;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.iommu4j.api.IommuException;
import org.jspecify.annotations.Nullable;

/**
 * Tickets over several units: a request went to some of them, and is done when all of those have
 * done it.
 *
 * <p>A ticket is 0 if no unit was asked, and holds the unit and the number of the request there if
 * one was; of several it is the key of a list that is kept until they are seen to be done.
 */
final class UnitTickets {

    private static final long NOBODY = 0;
    private static final int UNIT_SHIFT = 52;
    private static final long NUMBER_MASK = (1L << UNIT_SHIFT) - 1;
    private static final long SEVERAL = Long.MIN_VALUE;

    private final List<Unit> units;
    private final Map<Long, long[]> lists = new ConcurrentHashMap<>();
    private final AtomicLong lastList = new AtomicLong();

    UnitTickets(List<Unit> units) {
        this.units = units;
    }

    /**
     * Asks units for the same.
     *
     * @param asked the units
     * @param request what each of them is asked
     * @return the ticket
     */
    long ask(Unit[] asked, Function<Unit, Descriptor> request) {
        if (asked.length == 0) {
            return NOBODY;
        }
        if (asked.length == 1) {
            return askOne(asked[0], request);
        }
        long[] each = new long[asked.length];
        for (int i = 0; i < asked.length; i++) {
            each[i] = askOne(asked[i], request);
        }
        long key = SEVERAL | lastList.incrementAndGet();
        lists.put(key, each);
        return key;
    }

    private long askOne(Unit unit, Function<Unit, Descriptor> request) {
        return (long) units.indexOf(unit) << UNIT_SHIFT | unit.submit(request.apply(unit));
    }

    boolean isDone(long ticket) {
        if (ticket >= 0) {
            return ticket == NOBODY || unit(ticket).isDone(ticket & NUMBER_MASK);
        }
        long @Nullable [] each = lists.get(ticket);
        if (each != null) {
            for (long one : each) {
                if (!isDone(one)) {
                    return false;
                }
            }
            lists.remove(ticket);
        }
        return true;
    }

    /**
     * Waits until every unit that was asked has done it.
     *
     * @param ticket what {@link #ask} returned
     * @throws IommuException if one of them failed
     */
    void await(long ticket) {
        if (ticket > 0) {
            unit(ticket).await(ticket & NUMBER_MASK);
            return;
        }
        long @Nullable [] each = lists.get(ticket);
        if (each != null) {
            for (long one : each) {
                await(one);
            }
            lists.remove(ticket);
        }
    }

    private Unit unit(long ticket) {
        return units.get((int) (ticket >>> UNIT_SHIFT));
    }
}
