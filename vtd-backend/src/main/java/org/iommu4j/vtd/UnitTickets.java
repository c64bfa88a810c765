package org.iommu4j.vtd;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
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

    /** The ticket of a request to no unit, which is done. */
    static final long NOBODY = 0;

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
     * Makes the ticket of one request to one unit.
     *
     * @param unit the unit
     * @param number its number of the request; 0 if it was not asked
     * @return the ticket
     */
    long of(Unit unit, long number) {
        return number == 0 ? NOBODY : (long) units.indexOf(unit) << UNIT_SHIFT | number;
    }

    /**
     * Makes one ticket of several.
     *
     * @param each the tickets
     * @return a ticket that is done when all of them are
     */
    long all(List<Long> each) {
        long[] asked = new long[each.size()];
        int count = 0;
        for (long ticket : each) {
            if (ticket != NOBODY) {
                asked[count++] = ticket;
            }
        }
        if (count <= 1) {
            return count == 0 ? NOBODY : asked[0];
        }
        long key = SEVERAL | lastList.incrementAndGet();
        lists.put(key, Arrays.copyOf(asked, count));
        return key;
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
     * @param ticket the ticket
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
