package org.iommu4j.emulator;

import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.BinaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Values of ranges of addresses: what was put last over an address counts there.
 *
 * <p>Any thread may call any method; lookups take no lock, and see of a range being put the old
 * value or the new one.
 *
 * @param <V> the values
 */
final class SpanMap<V> {

    private record Span<V>(long end, V value) {}

    private final ConcurrentSkipListMap<Long, Span<V>> spans = new ConcurrentSkipListMap<>();
    private final int most;
    private final @Nullable BinaryOperator<V> join;
    private int room;

    /**
     * Makes an empty map.
     *
     * @param most how many ranges are kept
     * @param join makes one range of neighbours when there are more; null: all are forgotten then
     */
    SpanMap(int most, @Nullable BinaryOperator<V> join) {
        this.most = most;
        this.join = join;
        this.room = most;
    }

    /** {@return the value at an address, or null} */
    @Nullable V at(long address) {
        Map.Entry<Long, Span<V>> floor = spans.floorEntry(address);
        return floor != null && address < floor.getValue().end ? floor.getValue().value : null;
    }

    /** {@return true if any address of [start, end) has a value} */
    boolean touches(long start, long end) {
        Map.Entry<Long, Span<V>> floor = spans.floorEntry(end - 1);
        return floor != null && floor.getValue().end > start;
    }

    /** Gives [start, end) a value. */
    synchronized void put(long start, long end, V value) {
        Map.Entry<Long, Span<V>> last = spans.floorEntry(end - 1);
        if (isApart(last, start, end)) {
            spans.put(start, new Span<>(end, value));
        } else {
            keepRight(last, end);
            spans.put(start, new Span<>(end, value));
            keepLeft(start);
            spans.subMap(start, false, end, false).clear();
        }
        if (--room <= 0) {
            shrink();
        }
    }

    /** Takes the values of [start, end) away. */
    synchronized void remove(long start, long end) {
        Map.Entry<Long, Span<V>> last = spans.floorEntry(end - 1);
        if (isApart(last, start, end)) {
            spans.remove(start);
        } else {
            keepRight(last, end);
            keepLeft(start);
            spans.subMap(start, true, end, false).clear();
            room--;
        }
    }

    /* The usual: nothing is there, or just this range. */
    private boolean isApart(Map.@Nullable Entry<Long, Span<V>> last, long start, long end) {
        return last == null
                || last.getValue().end <= start
                || last.getKey() == start && last.getValue().end == end;
    }

    /* What reaches beyond the end stays there. */
    private void keepRight(Map.@Nullable Entry<Long, Span<V>> over, long end) {
        if (over != null && over.getValue().end > end) {
            spans.put(end, over.getValue());
        }
    }

    /* What begins before the start ends there. */
    private void keepLeft(long start) {
        Map.Entry<Long, Span<V>> before = spans.lowerEntry(start);
        if (before != null && before.getValue().end > start) {
            spans.put(before.getKey(), new Span<>(start, before.getValue().value));
        }
    }

    private void shrink() {
        int size = spans.size();
        if (size > most) {
            if (join == null) {
                spans.clear();
            } else {
                joinNeighbours(join);
            }
            size = spans.size();
        }
        room = Math.max(most / 2, most - size);
    }

    private void joinNeighbours(BinaryOperator<V> joined) {
        Map.Entry<Long, Span<V>> left = spans.firstEntry();
        while (left != null) {
            Map.Entry<Long, Span<V>> right = spans.higherEntry(left.getKey());
            if (right != null && left.getValue().end == right.getKey()) {
                V value = joined.apply(left.getValue().value, right.getValue().value);
                spans.put(left.getKey(), new Span<>(right.getValue().end, value));
                spans.remove(right.getKey());
                left = spans.ceilingEntry(left.getKey());
            } else {
                left = right;
            }
        }
    }
}
