package org.iommu4j.emulator;

import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.iommu4j.emulator.PageRequestQueue.Receipt;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * How a device asks software for pages and waits (PCI Express, Page Request Interface): the groups
 * of requests that it has sent and that have no answer. A group whose requests were dropped is sent
 * again until it arrives. Nobody waits longer than the interface is on.
 *
 * <p>Any thread may call any method.
 */
final class PageRequestInterface {

    /** How a wait ended. */
    enum Answer {
        /** The pages are there: the device tries again. */
        SUCCESS,
        /** They are not, and will not be. */
        REFUSED,
        /** The interface is off. */
        OFF
    }

    /** Who receives requests. */
    interface Unit {

        /**
         * Receives a request.
         *
         * @param request the request
         * @return what became of it
         */
        Receipt receive(PageRequest request);
    }

    /* In a response. */
    private static final int SUCCESS = 0;

    private static final int MOST_IN_GROUP = 16;
    private static final long PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(50);

    /** The requests that have one answer. */
    private static final class Group {
        private final int index;
        private final int pasid;
        private final int size;
        private boolean isWhole;
        private @Nullable Answer answer;

        private Group(int index, int pasid, int size) {
            this.index = index;
            this.pasid = pasid;
            this.size = size;
        }
    }

    private final int requester;
    private final Unit unit;
    private final boolean isAdversarial;
    private final Dice dice;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final @Nullable Group[] groups = new @Nullable Group[PageRequest.GROUPS];
    private final Set<Integer> spaces = new TreeSet<>();
    private int limit;
    private int outstanding;
    private int senders;
    private int nextGroup;

    /**
     * Makes one that is off.
     *
     * @param requester requester id
     * @param unit who receives requests
     * @param isAdversarial true if the index of a group that was answered is the next one's, and
     *     groups ask for some pages twice
     * @param dice decide how many requests a group has
     */
    PageRequestInterface(int requester, Unit unit, boolean isAdversarial, Dice dice) {
        this.requester = requester;
        this.unit = unit;
        this.isAdversarial = isAdversarial;
        this.dice = dice;
    }

    /** Turns it on, with the most requests that may be without an answer. */
    void enable(int most) {
        lock.lock();
        try {
            limit = most;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Turns it off: whoever waits goes on, and when this returns, nothing is sent any more.
     *
     * @param marks true if what was sent for an address space is followed by its stop marker
     */
    void disable(boolean marks) {
        Set<Integer> left = endAll();
        if (marks) {
            for (int pasid : left) {
                unit.receive(PageRequest.stopMarker(requester, pasid));
            }
        }
    }

    /* Returns the address spaces for which something was sent. */
    private Set<Integer> endAll() {
        lock.lock();
        try {
            limit = 0;
            outstanding = 0;
            for (int i = 0; i < groups.length; i++) {
                Group group = groups[i];
                if (group != null) {
                    group.answer = Answer.OFF;
                    groups[i] = null;
                }
            }
            changed.signalAll();
            while (senders > 0) {
                changed.awaitUninterruptibly();
            }
            Set<Integer> left = Set.copyOf(spaces);
            spaces.clear();
            return left;
        } finally {
            lock.unlock();
        }
    }

    /** {@return true if it is on} */
    boolean isOn() {
        lock.lock();
        try {
            return limit > 0;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Asks for pages, and waits for the answer.
     *
     * @param pasid process address space id, or {@link SourceId#NO_PASID}
     * @param iova an address in the first page
     * @param access {@link Translation#READ} and {@link Translation#WRITE}
     * @param more how many pages behind it the device will want next
     * @return the answer
     */
    Answer ask(int pasid, long iova, int access, int more) {
        Group group = begin(pasid, isAdversarial ? MOST_IN_GROUP : more + 1);
        if (group == null) {
            return Answer.OFF;
        }
        while (true) {
            Receipt receipt = send(group, iova, access, more);
            Answer answer = await(group, receipt);
            if (answer != null) {
                return answer;
            }
        }
    }

    /**
     * Takes an answer. One to a group that has none coming is ignored.
     *
     * @param pasid process address space id, or {@link SourceId#NO_PASID}
     * @param index the index of the group
     * @param code the response code
     */
    void answered(int pasid, int index, int code) {
        lock.lock();
        try {
            Group group = groups[index];
            if (group != null && group.pasid == pasid && group.isWhole) {
                end(group, code == SUCCESS ? Answer.SUCCESS : Answer.REFUSED);
            }
        } finally {
            lock.unlock();
        }
    }

    /* Null if the interface is off. From then on the caller is a sender. */
    private @Nullable Group begin(int pasid, int most) {
        lock.lock();
        try {
            int index = freeIndex();
            while (limit > 0 && (index < 0 || outstanding >= limit)) {
                changed.awaitUninterruptibly();
                index = freeIndex();
            }
            if (limit == 0) {
                return null;
            }
            Group group = new Group(index, pasid, size(most));
            groups[index] = group;
            nextGroup = index + 1;
            outstanding += group.size;
            senders++;
            if (pasid != SourceId.NO_PASID) {
                spaces.add(pasid);
            }
            return group;
        } finally {
            lock.unlock();
        }
    }

    /* It leaves half of what is free to others, who must not wait for its answer. */
    private int size(int most) {
        int wanted = dice.oneIn(2) ? 1 : 1 + dice.below(Math.min(most, MOST_IN_GROUP));
        return Math.clamp((limit - outstanding) / 2, 1, wanted);
    }

    private int freeIndex() {
        int first = isAdversarial ? 0 : nextGroup;
        for (int i = first; i < first + groups.length; i++) {
            if (groups[i % groups.length] == null) {
                return i % groups.length;
            }
        }
        return -1;
    }

    /* A group may be larger than the pages that are wanted: then it asks for some of them twice. */
    private Receipt send(Group group, long iova, int access, int more) {
        for (int i = 0; i < group.size; i++) {
            boolean last = i == group.size - 1;
            if (last) {
                finish(group, true);
            }
            long page = iova + (long) (i % (more + 1)) * PhysicalMemory.PAGE_SIZE;
            Receipt receipt =
                    unit.receive(
                            new PageRequest(
                                    requester, group.pasid, page, access, last, group.index));
            if (receipt != Receipt.QUEUED) {
                return receipt;
            }
        }
        return Receipt.QUEUED;
    }

    /* An answer may come before the sender knows that its last request has arrived. */
    private void finish(Group group, boolean whole) {
        lock.lock();
        try {
            group.isWhole = whole;
        } finally {
            lock.unlock();
        }
    }

    /* Null if the group must be sent again; the caller is a sender then, else no more. */
    private @Nullable Answer await(Group group, Receipt receipt) {
        lock.lock();
        try {
            senders--;
            changed.signalAll();
            switch (receipt) {
                case QUEUED -> {
                    while (group.answer == null) {
                        changed.awaitUninterruptibly();
                    }
                }
                case REFUSED -> {
                    if (group.answer == null) {
                        end(group, Answer.REFUSED);
                    }
                }
                case DROPPED -> {
                    group.isWhole = false;
                    pause(group);
                    if (group.answer == null) {
                        senders++;
                    }
                }
            }
            return group.answer;
        } finally {
            lock.unlock();
        }
    }

    private void pause(Group group) {
        long left = PAUSE_NANOS;
        boolean interrupted = false;
        while (left > 0 && group.answer == null) {
            try {
                left = changed.awaitNanos(left);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void end(Group group, Answer answer) {
        group.answer = answer;
        groups[group.index] = null;
        outstanding -= group.size;
        changed.signalAll();
    }
}
