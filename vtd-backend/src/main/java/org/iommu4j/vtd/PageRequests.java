package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.api.PageRequestHandler.Response;
import org.jspecify.annotations.Nullable;

/*
 * A request goes from its unit's ring to a group; a group whose last request has come waits, goes into the handler's hands
 * on the caller's executor, and is answered. There is a bound on the groups in hands: beyond it nothing is taken from the
 * rings, which fill up, and then devices are made to ask again. The lock is held while a group changes its place, never
 * while a handler runs, an executor is called, or an answer is given.
 */

/**
 * Takes the page requests of all units to whoever answers them. One thread looks at the rings, from
 * the first device on that may ask.
 */
@Singleton
final class PageRequests {

    private static final Logger LOG = LogManager.getLogger(PageRequests.class);
    private static final int MOST_IN_HANDS = 256;
    private static final long SHORT_NAP_NANOS = 20_000;
    private static final long LONG_NAP_NANOS = 1_000_000;
    private static final int LOOKS_BEFORE_LONG_NAPS = 2_000;

    /** Who answers. */
    private record Answering(Executor executor, PageRequestHandler handler) {}

    /** A group that is not whole yet. */
    private record Part(PageRequester from, int group) {}

    private final RemappingUnits units;
    private final Patience patience;
    private final Set<PageRequester> served = new HashSet<>();
    private final Map<Part, List<PageRequestRecord>> parts = new HashMap<>();
    private final Deque<PageRequestGroup> waiting = new ArrayDeque<>();
    private final Set<PageRequestGroup> inHands = new HashSet<>();
    private @Nullable Answering answering;
    private @Nullable Thread looker;
    private boolean closed;

    @Inject
    PageRequests(RemappingUnits units, Patience patience) {
        this.units = units;
        this.patience = patience;
    }

    /**
     * Sets who answers.
     *
     * @return closing it ends the answering
     * @throws IllegalStateException if somebody answers already, or this is closed
     */
    synchronized AutoCloseable answerBy(Executor executor, PageRequestHandler handler) {
        requireOpen();
        if (answering != null) {
            throw new IllegalStateException(
                    "page requests have a handler already; close what onPageRequest returned first");
        }
        Answering mine = new Answering(executor, handler);
        answering = mine;
        return () -> end(mine);
    }

    @SuppressWarnings("ReferenceEquality") // closing twice must not end somebody else's
    private synchronized void end(Answering mine) {
        if (answering == mine) {
            answering = null;
        }
    }

    /**
     * From now on requests of a device are answered as the handler says.
     *
     * @param requester whose requests
     */
    synchronized void serve(PageRequester requester) {
        requireOpen();
        served.add(requester);
        if (looker == null) {
            looker =
                    Thread.ofPlatform()
                            .daemon()
                            .name("iommu4j vtd page requests")
                            .start(this::lookAgainAndAgain);
        }
    }

    /**
     * Ends what {@link #serve} began, for requests that cannot come any more: when this returns,
     * everything that was asked is answered, with <i>invalid</i> if the handler has not answered.
     * So is what the device asked for in the name of others that are not served: it may begin anew
     * now.
     *
     * @param requester whose requests
     * @throws IommuException if the unit does not say that they are all there
     */
    void end(PageRequester requester) {
        synchronized (this) {
            served.remove(requester);
        }
        refuse(requester, from -> from.isSameDevice(requester) && !served.contains(from));
    }

    /**
     * Answers with <i>invalid</i> whatever a device has asked for and has no answer to: its service
     * is off and about to be turned on, and what it asks for then must not be taken for this.
     *
     * @param requester the device, under any process address space id
     * @throws IommuException if the unit does not say that all requests are there
     */
    void beginAnew(PageRequester requester) {
        refuse(requester, requester::isSameDevice);
    }

    private void refuse(PageRequester requester, Predicate<PageRequester> isOver) {
        /* A ring that had no room may have none of them yet. */
        patience.until(
                () -> {
                    requester.unit().awaitPageRequests();
                    return !look(requester.unit());
                },
                () -> "the page requests of " + requester + ", of which the unit drops some");
        List<PageRequestGroup> left;
        synchronized (this) {
            parts.keySet().removeIf(part -> isOver.test(part.from()));
            left = new ArrayList<>(inHands);
            left.addAll(waiting);
            left.removeIf(group -> !isOver.test(group.requester()));
            waiting.removeAll(left);
        }
        left.forEach(group -> group.answer(Response.INVALID));
    }

    /** Ends the looking. Idempotent. */
    void close() {
        Thread ended;
        synchronized (this) {
            closed = true;
            ended = looker;
            looker = null;
        }
        LockSupport.unpark(ended);
    }

    private synchronized boolean isOpen() {
        return !closed;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the Iommu is closed");
        }
    }

    private void lookAgainAndAgain() {
        int idle = 0;
        boolean failed = false;
        while (isOpen()) {
            try {
                idle = lookEverywhere() ? 0 : idle + 1;
                failed = false;
            } catch (RuntimeException e) {
                if (!failed) {
                    LOG.error("page requests cannot be read; trying again and again", e);
                }
                failed = true;
                idle = LOOKS_BEFORE_LONG_NAPS;
            }
            LockSupport.parkNanos(
                    this, idle < LOOKS_BEFORE_LONG_NAPS ? SHORT_NAP_NANOS : LONG_NAP_NANOS);
        }
    }

    /** Returns true if something was there. */
    private boolean lookEverywhere() {
        boolean any = handOut();
        if (hasRoom()) {
            units.all().forEach(this::look);
            any |= handOut();
        }
        return any;
    }

    private synchronized boolean hasRoom() {
        return waiting.isEmpty() && inHands.size() < MOST_IN_HANDS;
    }

    /** Takes what is in a unit's ring; returns true if the unit has dropped some. */
    private boolean look(Unit unit) {
        boolean dropped =
                unit.takePageRequests(request -> hear(unit, request), () -> discardParts(unit));
        if (dropped) {
            LOG.debug("{} had no room for all page requests", unit.name());
        }
        return dropped;
    }

    private synchronized void hear(Unit unit, PageRequestRecord request) {
        if (!request.isPageRequest() || request.isStopMarker()) {
            return;
        }
        Part part = new Part(PageRequester.of(unit, request), request.group());
        if (request.hasPrivateData() && !request.isLast()) {
            waiting.add(new PageRequestGroup(unit, List.of(), request));
        } else if (request.isLast()) {
            List<PageRequestRecord> earlier = parts.remove(part);
            waiting.add(new PageRequestGroup(unit, earlier == null ? List.of() : earlier, request));
        } else if (unfinished(part.from()) < DeviceTlb.MOST_PAGE_REQUESTS) {
            parts.computeIfAbsent(part, _ -> new ArrayList<>()).add(request);
        }
    }

    /** More than a device may send before it gets an answer is not kept; it will ask again. */
    private int unfinished(PageRequester device) {
        return parts.entrySet().stream()
                .filter(part -> part.getKey().from().isSameDevice(device))
                .mapToInt(part -> part.getValue().size())
                .sum();
    }

    /**
     * Their last request may have been dropped; then all of the group is asked again. The unit adds
     * nothing meanwhile, or another thread might have heard the beginning of such a group already.
     */
    private synchronized void discardParts(Unit unit) {
        parts.keySet().removeIf(part -> part.from().unit().equals(unit));
    }

    /** Gives groups to the handler as far as there is room; returns true if there were any. */
    private boolean handOut() {
        boolean any = false;
        while (true) {
            PageRequestGroup group;
            Answering by;
            boolean isServed;
            synchronized (this) {
                if (waiting.isEmpty() || inHands.size() >= MOST_IN_HANDS) {
                    return any;
                }
                group = waiting.remove();
                isServed = served.contains(group.requester());
                by = answering;
                inHands.add(group);
            }
            any = true;
            if (isServed && by != null) {
                handOut(group, by);
            } else {
                group.answer(isServed ? Response.FAILURE : Response.INVALID);
                putDown(group);
            }
        }
    }

    private void handOut(PageRequestGroup group, Answering by) {
        try {
            by.executor().execute(() -> handle(group, by.handler()));
        } catch (RuntimeException | Error e) {
            LOG.warn("the executor of page requests refused {}", group.requester(), e);
            group.answer(Response.FAILURE);
            putDown(group);
        }
    }

    private void handle(PageRequestGroup group, PageRequestHandler handler) {
        try {
            group.handle(handler);
        } finally {
            putDown(group);
        }
    }

    private synchronized void putDown(PageRequestGroup group) {
        inHands.remove(group);
    }
}
