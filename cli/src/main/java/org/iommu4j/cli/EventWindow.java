package org.iommu4j.cli;

import java.util.Arrays;
import org.iommu4j.cli.TraceEvent.Kind;

/**
 * The events between the one being replayed and the one last read: the look-ahead in which a flush
 * can name the domain of an event before it. Linux logs {@code cache_tag_flush_range} after the map
 * or unmap it flushes, by the same task; so the first flush of the task whose range covers the
 * event's range tells its domain.
 *
 * <p>Holds {@value #CAPACITY} events: a scatter list is logged as a map for each of its pieces and
 * one flush after the last. An event that leaves the window unnamed is left to {@link
 * DomainAttribution}'s guess. Events leave in the order they came, and are read into their place,
 * not copied.
 */
final class EventWindow {
    static final int CAPACITY = 2048;

    /**
     * Events of a task that a flush does not cover, met one after another, before the search for
     * more ends.
     */
    private static final int MISSES = 64;

    private static final long NONE = -1;

    private final TraceEvent[] events = new TraceEvent[CAPACITY];

    /**
     * For each event, the unnamed event of the same task before it, or a number no longer in the
     * window.
     */
    private final long[] earlier = new long[CAPACITY];

    private final LastOfTask lastOfTask = new LastOfTask();
    private long head;
    private long tail;

    /** The flush last seen, and how many events had been added then. */
    private long lastTask;

    private long lastStart;
    private long lastSize;
    private long lastTail = NONE;

    EventWindow() {
        for (int i = 0; i < CAPACITY; i++) {
            events[i] = new TraceEvent();
        }
    }

    boolean isEmpty() {
        return head == tail;
    }

    /**
     * Whether the first event should be replayed now: its domain is named, or there is no room to
     * wait.
     */
    boolean isDue() {
        return tail - head == CAPACITY - 1 || head < tail && first().domain != TraceEvent.UNNAMED;
    }

    /** The event to read the next one into. It is in the window once it is added. */
    TraceEvent vacant() {
        return events[place(tail)];
    }

    /** Adds the event that {@link #vacant} gave, a map or unmap. */
    void add() {
        earlier[place(tail)] = lastOfTask.exchange(vacant().task, tail, head);
        tail++;
    }

    /** The event that came first. */
    TraceEvent first() {
        return events[place(head)];
    }

    void removeFirst() {
        head++;
    }

    /**
     * Names the domain of the waiting events of the flush's task that it covers: of the unmaps, or
     * of the maps if it is a flush of entries not present before; and of the others only where
     * there are none of these, lest an unmap's flush names a map of another domain at the same
     * place. Linux repeats a flush for each cache of a domain, and the repetitions say nothing new.
     */
    void name(TraceEvent flush) {
        if (isRepeated(flush)) {
            return;
        }
        lastTask = flush.task;
        lastStart = flush.iova;
        lastSize = flush.size;
        lastTail = tail;
        if (!name(flush, flush.usuallyFollows)) {
            name(flush, flush.usuallyFollows == Kind.MAP ? Kind.UNMAP : Kind.MAP);
        }
    }

    private boolean isRepeated(TraceEvent flush) {
        return flush.task == lastTask
                && flush.iova == lastStart
                && flush.size == lastSize
                && tail == lastTail;
    }

    private boolean name(TraceEvent flush, Kind kind) {
        long number = lastOfTask.get(flush.task);
        long later = NONE;
        int misses = 0;
        boolean named = false;
        while (number >= head && misses < MISSES) {
            TraceEvent event = events[place(number)];
            long next = earlier[place(number)];
            if (event.kind == kind && covers(flush, event)) {
                event.domain = flush.domain;
                unlink(flush.task, later, next);
                named = true;
                misses = 0;
            } else {
                later = number;
                misses++;
            }
            number = next;
        }
        return named;
    }

    /** Takes the event between these two out of the chain of its task's unnamed events. */
    private void unlink(long task, long later, long next) {
        if (later == NONE) {
            lastOfTask.exchange(task, next, head);
        } else {
            earlier[place(later)] = next;
        }
    }

    private static boolean covers(TraceEvent flush, TraceEvent event) {
        long offset = event.iova - flush.iova;
        return offset >= 0 && event.size <= flush.size - offset;
    }

    private static int place(long number) {
        return (int) (number & (CAPACITY - 1));
    }

    /**
     * The number of the last unnamed event of each task in the window; a small hash table that
     * reuses stale places.
     */
    private static final class LastOfTask {
        private static final int PLACES = 4 * CAPACITY;
        private static final int PROBES = 16;

        private final long[] tasks = new long[PLACES];
        private final long[] numbers = new long[PLACES];

        LastOfTask() {
            Arrays.fill(numbers, NONE);
        }

        long get(long task) {
            int place = find(task, Long.MAX_VALUE);
            return tasks[place] == task ? numbers[place] : NONE;
        }

        long exchange(long task, long number, long head) {
            int place = find(task, head);
            long last = tasks[place] == task ? numbers[place] : NONE;
            tasks[place] = task;
            numbers[place] = number;
            return last;
        }

        /**
         * The task's place, or else the first place whose event left the window, or else the first
         * one tried.
         */
        private int find(long task, long head) {
            int start = (int) (task * 0x9e3779b97f4a7c15L >>> 51);
            int stale = -1;
            for (int i = 0; i < PROBES; i++) {
                int place = start + i & PLACES - 1;
                if (tasks[place] == task) {
                    return place;
                }
                if (stale < 0 && numbers[place] < head) {
                    stale = place;
                }
            }
            return stale < 0 ? start : stale;
        }
    }
}
