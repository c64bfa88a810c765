package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;

/*
 * A step of a thread is one access to memory that others can reach, to a guard, or to something announced, such as the
 * allocator; what a thread does before its next one belongs to it. The thread that is about to make a step asks the
 * chooser who goes on, and hands over if it is not itself. Pages that were never linked are nobody else's, so what is done
 * to them makes no step. A thread that spins is not chosen again before something changed that it has looked at since its
 * last spin but one: until then it would do the same again.
 *
 * Threads are virtual, which makes a hand-over cost less than a microsecond, and stay for all runs.
 */

/**
 * Runs threads one step at a time, in an order that somebody else chooses, and knows in which state
 * everything is.
 */
final class Interleaver implements MemoryObserver {

    /** No thread of this interleaver. */
    static final int NOBODY = -1;

    private static final long GOES_ON = -1;
    private static final long SPINS = -2;
    private static final long HAS_FINISHED = -3;
    private static final long LOCKED = 1;
    private static final long GUARD_BUT_OWNER = (1L << 48) - 1;
    private static final int MOST_STEPS = 20_000;

    private final PhysicalMemory memory;
    private final boolean[] shared;
    private final List<Strand> strands = new ArrayList<>();
    private final Schedule schedule = new Schedule();
    private final Contention contention = new Contention();
    private Thread controller = Thread.currentThread();
    private Chooser chooser = (running, runnable) -> running;
    private Watcher watcher = Watcher.NOBODY;
    private volatile int turn = NOBODY;
    private volatile boolean active;
    private volatile boolean closed;
    private boolean everyAccess;
    private Throwable failure;
    private long memoryHash;
    private long changes;
    private long order;
    private long version;

    Interleaver(PhysicalMemory memory, int threads) {
        this.memory = memory.unobserved();
        this.shared = new boolean[Math.toIntExact(memory.size() / PhysicalMemory.PAGE_SIZE)];
        for (int i = 0; i < threads; i++) {
            strands.add(new Strand(i));
        }
    }

    /**
     * Says before a run which pages threads can reach; all others become so when they are
     * {@linkplain #share shared}.
     */
    void shareOnly(long... pages) {
        Arrays.fill(shared, false);
        for (long page : pages) {
            share(page);
        }
    }

    void share(long page) {
        shared[(int) (page >>> PhysicalMemory.PAGE_SHIFT)] = true;
    }

    boolean isShared(long page) {
        int index = (int) (page >>> PhysicalMemory.PAGE_SHIFT);
        return index >= 0 && index < shared.length && shared[index];
    }

    /** Makes a thread's state known that its accesses do not tell. */
    void local(int thread, LongSupplier state) {
        strands.get(thread).local = state;
    }

    /**
     * Runs one task a thread to the end.
     *
     * @throws Throwable what a task, the watcher or the chooser threw first, or an AssertionError
     *     on a deadlock
     */
    void run(List<Runnable> tasks, Chooser who, Watcher seeing) throws Throwable {
        controller = Thread.currentThread();
        chooser = who;
        watcher = seeing;
        schedule.cut(0);
        failure = null;
        memoryHash = 0;
        changes = 0;
        order = 0;
        version = 0;
        for (Strand strand : strands) {
            strand.reset(tasks.get(strand.index));
        }
        active = true;
        hand(next(NOBODY, true));
        while (turn != NOBODY) {
            LockSupport.park();
        }
        active = false;
        if (failure != null) {
            throw failure;
        }
    }

    void close() {
        closed = true;
        strands.forEach(strand -> LockSupport.unpark(strand.thread));
    }

    /** What was chosen in the current or last run. */
    Schedule schedule() {
        return schedule;
    }

    /** How many steps were made so far: the time. */
    long now() {
        return schedule.size();
    }

    /** Everything on which the rest of the run depends. */
    long state() {
        long state = memoryHash + watcher.hash();
        for (Strand strand : strands) {
            state += mix(mix(strand.history, strand.index), strand.local.getAsLong());
        }
        return state;
    }

    /**
     * A step that is no access to memory, of the running thread.
     *
     * @param ordered true if it does not commute with other such steps
     */
    void announce(boolean ordered) {
        if (active) {
            Strand self = running();
            self.settle();
            pause(self, true);
            self.learnVersion();
            self.learn(ordered ? ++order : 0);
        }
    }

    /** The running thread goes on once something holds that other threads bring about. */
    void await(BooleanSupplier what) {
        if (active) {
            running().awaited = what;
            announce(true);
            running().awaited = () -> true;
        }
    }

    /** Says whether the running thread looks from now on at what steps do not show. */
    void looksBeyondSteps(boolean looks) {
        if (active) {
            running().readsVersion = looks;
        }
    }

    /**
     * Requires of the running thread that it holds no guard.
     *
     * @param when what it is about to do
     */
    void requireNoGuard(String when) {
        if (active) {
            settle();
            if (running().guards != 0) {
                throw new AssertionError(
                        running().guards + " guards are held by a thread that " + when);
            }
        }
    }

    /** What steps do not show has changed. */
    void changedForAll() {
        version++;
    }

    /** The running thread is about to change a page otherwise than by steps. */
    void overwrites(long page, int bytes) {
        if (active && isShared(page)) {
            for (long word = page; word < page + bytes; word += Long.BYTES) {
                contention.write(running().index, AccessKind.WORD, word);
            }
        }
    }

    /** Notes something that the running thread has seen otherwise than by its accesses. */
    void learn(long what) {
        if (active) {
            running().learn(what);
        }
    }

    /** Makes the effect of the running thread's last access known now, not with its next. */
    void settle() {
        if (active) {
            running().settle();
        }
    }

    @Override
    public void beforeLoad(long address) {
        access(AccessKind.WORD, address, true);
    }

    @Override
    public void beforeStore(long address, long value) {
        access(AccessKind.WORD, address, false);
    }

    @Override
    public void beforeExchange(long address, long expected, long value) {
        access(AccessKind.WORD, address, false);
    }

    @Override
    public void beforeLedger(long page) {
        access(AccessKind.GUARD, page, false);
    }

    @Override
    public void spin() {
        if (active) {
            Strand self = running();
            self.settle();
            self.spinning = true;
            self.learn(SPINS);
            self.changesAtSpin = changes;
            pause(self, true);
            self.spinning = false;
            self.looksAgain = true;
            self.lastVersion = version;
        }
    }

    private void access(AccessKind kind, long address, boolean load) {
        if (!active) {
            return;
        }
        Strand self = running();
        self.settle();
        if (!isShared(address)) {
            self.expect(kind, address);
            return;
        }
        boolean contended = contention.touch(self.index, kind, address);
        pause(self, contended || everyAccess || !load && kind == AccessKind.WORD);
        self.expectShared(kind, address);
    }

    private Strand running() {
        Strand self = strands.get(turn);
        if (Thread.currentThread() != self.thread) {
            throw new AssertionError(
                    "an access by " + Thread.currentThread() + ", which is not scheduled");
        }
        return self;
    }

    /** Lets the next thread go on; if this access is none to step on, that is the same one. */
    private void pause(Strand self, boolean step) {
        if (failure == null && schedule.size() > MOST_STEPS) {
            failure = new AssertionError("a livelock: more than " + MOST_STEPS + " steps");
        }
        int next = failure == null ? next(self.index, step) : self.index;
        if (failure == null && next != self.index) {
            hand(next);
            self.awaitTurn();
        }
        if (failure != null) {
            throw new Stopped();
        }
    }

    private int next(int running, boolean step) {
        int runnable = step ? runnable() : 1 << running;
        if (runnable == 0) {
            failure = new AssertionError("a deadlock: every thread spins");
            return running;
        }
        int next = chooser.choose(running, runnable);
        schedule.add(next);
        return next;
    }

    private int runnable() {
        int runnable = 0;
        int waiting = 0;
        for (Strand strand : strands) {
            runnable |= strand.isRunnable() ? 1 << strand.index : 0;
            waiting |= strand.spinning && strand.changesAtSpin != changes ? 1 << strand.index : 0;
        }
        return runnable == 0 ? waiting : runnable;
    }

    private void hand(int next) {
        turn = next;
        LockSupport.unpark(next == NOBODY ? controller : strands.get(next).thread);
    }

    static long mix(long hash, long value) {
        long mixed = (hash ^ value) * 0x9e37_79b9_7f4a_7c15L;
        mixed = (mixed ^ mixed >>> 32) * 0xd6e8_feb8_6659_fd93L;
        return mixed ^ mixed >>> 29;
    }

    /** What stands there; of a guard without its owner, which is another one in each run. */
    private long value(AccessKind kind, long address) {
        return kind == AccessKind.GUARD
                ? memory.ledger().loadAcquire(address) & GUARD_BUT_OWNER
                : memory.loadAcquire(address);
    }

    private static long place(AccessKind kind, long address, long value) {
        return mix(mix(kind.ordinal(), address), value);
    }

    /**
     * Makes every access a step, contended or not: to replay a schedule without the runs that it
     * was found after.
     */
    void stepOnEveryAccess() {
        everyAccess = true;
    }

    /**
     * True if something turned out to be contended in the last run that was not before: it has to
     * be stepped on.
     */
    boolean contentionGrew() {
        return contention.grew();
    }

    /** One thread. */
    private final class Strand {

        private final int index;
        private final Thread thread;
        private LongSupplier local = () -> 0;
        private Runnable task = () -> {};
        private BooleanSupplier awaited = () -> true;
        private boolean finished = true;
        private boolean spinning;
        private long changesAtSpin;
        private long history;
        private AccessKind kind = AccessKind.NOTHING;
        private long address;
        private long before;
        private final Looks looks = new Looks();
        private boolean looksAgain;
        private boolean readsVersion;
        private long lastVersion;
        private long guards;

        Strand(int index) {
            this.index = index;
            this.thread =
                    Thread.ofVirtual().name("strand " + (char) ('a' + index)).start(this::live);
        }

        void reset(Runnable work) {
            task = work;
            awaited = () -> true;
            finished = false;
            spinning = false;
            history = 0;
            kind = AccessKind.NOTHING;
            looks.clear();
            looksAgain = false;
            readsVersion = false;
            lastVersion = 0;
            guards = 0;
        }

        void learn(long what) {
            history = mix(history, what);
        }

        void learnVersion() {
            if (readsVersion) {
                learn(version);
            }
        }

        /** The next access is this one; nothing else runs before it has been made. */
        void expect(AccessKind what, long where) {
            kind = what;
            address = where;
            before = value(what, where);
        }

        /** The same, of something that others can reach. */
        void expectShared(AccessKind what, long where) {
            if (looksAgain) {
                returnTo(what, where);
            }
            expect(what, where);
            looks.add(what, where, before, history);
            learn(place(what, where, before));
            learnVersion();
        }

        /** After a spin the thread is in the state again in which it looked there the last time. */
        private void returnTo(AccessKind what, long where) {
            looksAgain = false;
            history = looks.historyAt(what, where, history);
            looks.forgetOld();
        }

        /** The expected access, if there is one, has been made. */
        void settle() {
            AccessKind made = kind;
            kind = AccessKind.NOTHING;
            if (made == AccessKind.NOTHING || failure != null) {
                return;
            }
            long after = value(made, address);
            if (after != before) {
                guards += made == AccessKind.GUARD ? (after & LOCKED) - (before & LOCKED) : 0;
                memoryHash += place(made, address, after) - place(made, address, before);
                if (isShared(address)) {
                    contention.write(index, made, address);
                    changes++;
                    watcher.changed();
                }
            }
        }

        boolean isRunnable() {
            if (finished || !spinning || (readsVersion && version != lastVersion)) {
                return !finished && awaited.getAsBoolean();
            }
            return looks.anyChanged(Interleaver.this::value);
        }

        void awaitTurn() {
            while (turn != index && !closed) {
                LockSupport.park();
            }
        }

        private void live() {
            while (true) {
                awaitTurn();
                if (closed) {
                    return;
                }
                try {
                    if (failure == null) {
                        learn(GOES_ON);
                        task.run();
                        settle();
                    }
                } catch (Stopped e) {
                    // the failure is known
                } catch (Throwable e) {
                    failure = failure == null ? e : failure;
                }
                finished = true;
                learn(HAS_FINISHED);
                hand(successor());
            }
        }

        private int successor() {
            int unfinished = NOBODY;
            for (Strand strand : strands) {
                unfinished = strand.finished ? unfinished : strand.index;
            }
            if (unfinished == NOBODY || failure != null) {
                return unfinished;
            }
            try {
                return next(index, true);
            } catch (Throwable e) {
                failure = e;
                return unfinished;
            }
        }
    }
}
