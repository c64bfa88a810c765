package org.iommu4j.pagetable;

import java.time.Duration;
import java.util.Arrays;
import org.iommu4j.machine.PhysicalMemory;

/*
 * A search by replay: each run repeats the choices of an earlier one up to a branch not yet taken, and then goes on with
 * whoever runs. At each step where several threads can go on, the state is noted: memory, and all that each thread has seen
 * so far, which decides what it does next. A state that was noted before needs no branches of its own; whatever can follow it
 * is followed from there. So the search is exhaustive, and ends.
 */

/** Runs a race under every schedule, or under every one with few preemptions, and checks each. */
final class Exploration {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int FEW = 2;
    private static final int ANY = Integer.MAX_VALUE;

    private final Race race;
    private int mostPreemptions;
    private final PhysicalMemory memory;
    private final Interleaver interleaver;
    private final LongSet states = new LongSet();
    private final Schedule path = new Schedule();
    private int[] branches = new int[256];
    private int prefix;
    private int depth;
    private int preemptions;
    private boolean known;
    private long runs;

    private Exploration(Race race, int mostPreemptions) {
        this.race = race;
        this.mostPreemptions = mostPreemptions;
        this.memory = PhysicalMemory.allocate((race.pages() + 1L) * PhysicalMemory.PAGE_SIZE);
        this.interleaver = new Interleaver(memory, race.threads().size());
    }

    /** Every schedule there is. */
    static void exhaustively(Race race) {
        explore(race, ANY);
    }

    /** Every schedule in which threads that could go on are interrupted at most so often. */
    static void withPreemptions(int most, Race race) {
        explore(race, most);
    }

    /** One schedule; when it ends, whoever runs goes on. */
    static void replay(Race race, String schedule) {
        Exploration exploration = new Exploration(race, 0);
        Schedule given = Schedule.parse(schedule);
        for (int i = 0; i < given.size(); i++) {
            exploration.path.add(given.get(i));
        }
        exploration.prefix = given.size();
        exploration.known = true;
        exploration.interleaver.stepOnEveryAccess();
        exploration.guarded(exploration::run);
    }

    private static void explore(Race race, int most) {
        long began = System.nanoTime();
        Exploration exploration = new Exploration(race, most);
        exploration.guarded(exploration::deepen);
        System.out.printf(
                "%s: %d schedules, %d states, %d ms%n",
                race,
                exploration.runs,
                exploration.states.size(),
                (System.nanoTime() - began) / 1_000_000);
    }

    /** Runs on a virtual thread, where hand-overs are cheap, and does not wait for ever. */
    private void guarded(Runnable work) {
        Throwable[] thrown = new Throwable[1];
        Thread explorer =
                Thread.ofVirtual()
                        .name("explorer")
                        .start(() -> {
                            try {
                                work.run();
                            } catch (Throwable e) {
                                thrown[0] = e;
                            }
                        });
        try {
            for (long seen = -1; !explorer.join(PATIENCE); seen = runs) {
                if (seen == runs) {
                    throw new AssertionError(
                            race
                                    + ": a thread waits for what is no step, after "
                                    + interleaver.schedule());
                }
            }
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
        interleaver.close();
        if (thrown[0] != null) {
            throw new AssertionError(thrown[0].getMessage(), thrown[0]);
        }
    }

    /** Few preemptions first: it finds short schedules that fail, and most of what is contended. */
    private void deepen() {
        int most = mostPreemptions;
        for (int fewer = 1; fewer <= FEW && fewer < most; fewer++) {
            mostPreemptions = fewer;
            beginAgain();
            search();
        }
        mostPreemptions = most;
        beginAgain();
        search();
    }

    private void search() {
        boolean more = true;
        while (more) {
            run();
            more = interleaver.contentionGrew() ? beginAgain() : backtrack();
        }
    }

    /** More turned out to be a step than was known until now. */
    private boolean beginAgain() {
        states.clear();
        path.cut(0);
        prefix = 0;
        known = false;
        return true;
    }

    private void run() {
        depth = 0;
        preemptions = 0;
        runs++;
        try {
            World world = new World(race, interleaver, memory);
            interleaver.run(world.tasks(), this::choose, world);
            world.finish();
        } catch (Throwable e) {
            throw new AssertionError(
                    race + "\n  fails under schedule " + interleaver.schedule() + "\n  " + e, e);
        }
    }

    /** Prepares the run of the latest branch that has not been taken. */
    private boolean backtrack() {
        known = false;
        for (int i = depth - 1; i >= 0; i--) {
            if (branches[i] != 0) {
                path.set(i, Integer.numberOfTrailingZeros(branches[i]));
                branches[i] &= branches[i] - 1;
                prefix = i + 1;
                path.cut(prefix);
                return true;
            }
        }
        return false;
    }

    private int choose(int running, int runnable) {
        boolean goesOn = running != Interleaver.NOBODY && (runnable >>> running & 1) != 0;
        int choice;
        if (depth < prefix) {
            choice = path.get(depth);
            if ((runnable >>> choice & 1) == 0) {
                throw new AssertionError(
                        "thread "
                                + choice
                                + " cannot make step "
                                + depth
                                + " of the schedule; "
                                + "a race behaves differently in two runs, or is not the schedule's");
            }
        } else {
            choice = goesOn ? running : Integer.numberOfTrailingZeros(runnable);
            branch(running, runnable, choice, goesOn);
        }
        preemptions += goesOn && choice != running ? 1 : 0;
        depth++;
        return choice;
    }

    private void branch(int running, int runnable, int choice, boolean goesOn) {
        if (depth == branches.length) {
            branches = Arrays.copyOf(branches, 2 * depth);
        }
        int others = runnable & ~(1 << choice);
        branches[depth] = 0;
        path.add(choice);
        if (others != 0 && !known && !(goesOn && preemptions >= mostPreemptions)) {
            known = !states.add(key(running));
            branches[depth] = known ? 0 : others;
        }
    }

    private long key(int running) {
        long state = interleaver.state();
        return mostPreemptions == ANY
                ? state
                : Interleaver.mix(state, running * 1000L + preemptions);
    }
}
