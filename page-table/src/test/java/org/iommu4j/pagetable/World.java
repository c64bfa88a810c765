package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.iommu4j.walker.PageTableFormat;

/*
 * What is checked:
 * - at every change of memory: no table entry leads to a page that is no table; pages that no call changes translate as
 *   before (S1, T1), also for a walk that sees any mixture of what was and what was not written back (S7); those that a
 *   device used are marked (S4), unless reports clear what marks them;
 * - when a call returns: a walker that does not snoop sees what it did (S7);
 * - when a sync returns: caches hold nothing of what the thread unmapped (G2); when a page goes back: hardware does not
 *   know it as a table (G1, G3);
 * - at the end: what was written is in a report whose sync came after it (D1); some order of the calls explains everything (T2); guards, statistics and the number of empty tables are
 *   right; then, with everything synced, caches hold nothing that is not true, and every page that is no table is back; and
 *   after the close every page.
 */

/** One run of a race: the memory, the tree and the hardware, from the setup to the last check. */
final class World implements Watcher, SteppedDomain.Unit, Witness {

    private static final int TABLE_BYTES = TestFormats.tiny().entries() * Long.BYTES;
    private static final int MIXTURES = 1 << TestFormats.tiny().levels();

    private final Race race;
    private final Interleaver interleaver;
    private final List<List<Call>> calls;
    private final TestAllocator allocator;
    private final ShadowMemory shadow;
    private final WritingDevice device;
    private final SteppedDomain domain;
    private final TinyTree tree;
    private final CachingHardware hardware;
    private final HiddenState hidden;
    private final List<IotlbGather> gathers = new ArrayList<>();
    private final List<Outcome> begun = new ArrayList<>();
    private final List<Outcome> ended = new ArrayList<>();
    private final List<Integer> untouched = new ArrayList<>();
    private final long[] before;
    private final boolean clearsBits;
    private boolean running;

    World(Race race, Interleaver interleaver, PhysicalMemory memory) {
        this.race = race;
        this.interleaver = interleaver;
        this.calls = race.calls();
        this.clearsBits = race.isTracked();
        this.allocator = new TestAllocator(memory);
        this.shadow = new ShadowMemory(interleaver, memory, TABLE_BYTES);
        PhysicalMemory seen = memory.observedBy(interleaver);
        CacheFlusher cache =
                isOn(Race.Hardware.NON_COHERENT) ? shadow : new LineFlusher(memory, false);
        SteppedAllocator stepped = new SteppedAllocator(allocator, interleaver, this::goesBack);
        PageTableFormat format = race.format();
        PageTable engine = PageTable.create(format, seen, stepped, cache, this, race.options());
        boolean caches = isOn(Race.Hardware.CACHING);
        this.device = new WritingDevice(format, seen, engine.root(), caches);
        this.domain = new SteppedDomain(engine, interleaver, this, device);
        this.tree = new TinyTree(format, memory, allocator, engine.root());
        this.hardware = new CachingHardware(format, memory, engine.root());
        this.hidden = new HiddenState(engine);
        this.before = prepare();
    }

    private boolean isOn(Race.Hardware kind) {
        return race.kind() == kind;
    }

    private long[] prepare() {
        IotlbGather gather = domain.gather();
        for (Call call : race.setupCalls()) {
            Outcome outcome = new Outcome(0, call, 0);
            call.run(domain, gather, outcome);
            if (!outcome.isDone()) {
                throw new AssertionError("the setup fails: " + outcome);
            }
        }
        domain.sync(gather).await();
        if (race.spare() != Race.ALL) {
            allocator.leave(race.spare());
        }
        long[] translations = tree.read().translations().clone();
        for (int page = 0; page < translations.length; page++) {
            int number = page;
            if (calls.stream().flatMap(List::stream).noneMatch(call -> call.changes(number))) {
                untouched.add(page);
            }
        }
        return translations;
    }

    /** What the threads do, one task each. */
    List<Runnable> tasks() {
        interleaver.shareOnly(allocator.takenPages());
        if (isOn(Race.Hardware.CACHING)) {
            hardware.look();
        }
        if (isOn(Race.Hardware.NON_COHERENT)) {
            shadow.lag(this::requireUntouchedInMixtures);
        }
        List<Runnable> tasks = new ArrayList<>();
        for (int thread = 0; thread < calls.size(); thread++) {
            IotlbGather gather = domain.gather();
            int number = thread;
            gathers.add(gather);
            interleaver.local(thread, () -> hash(gather));
            tasks.add(() -> run(number, gather));
        }
        running = true;
        return tasks;
    }

    private void run(int thread, IotlbGather gather) {
        List<Outcome> unsynced = new ArrayList<>();
        for (Call call : calls.get(thread)) {
            interleaver.looksBeyondSteps(call.reads());
            interleaver.announce(false);
            Outcome outcome = new Outcome(thread, call, interleaver.now());
            interleaver.learn(endedSoFar());
            begun.add(outcome);
            call.run(domain, gather, outcome);
            interleaver.settle();
            outcome.ended = interleaver.now();
            ended.add(outcome);
            returned(outcome, unsynced);
        }
    }

    /** Which calls are over: it decides which orders can explain them. */
    private long endedSoFar() {
        int[] counts = new int[calls.size()];
        ended.forEach(outcome -> counts[outcome.thread]++);
        return Arrays.hashCode(counts);
    }

    private static long hash(IotlbGather gather) {
        long hash = 2L * gather.heldPages() + (gather.structureChanged() ? 1 : 0);
        for (int part = 0; part < IotlbGather.STAMPS; part++) {
            hash = Interleaver.mix(hash, gather.stamp(part));
        }
        for (int i = 0; i < gather.rangeCount(); i++) {
            hash += Interleaver.mix(gather.rangeStart(i), gather.rangeEnd(i));
        }
        return hash;
    }

    @Override
    public void changed() {
        requireUntouched("memory as it is", tree.read());
        ended.forEach(this::requireBits);
        for (int page = tree.tables().nextSetBit(0);
                page >= 0;
                page = tree.tables().nextSetBit(page + 1)) {
            interleaver.share((long) page << PhysicalMemory.PAGE_SHIFT);
        }
        if (isOn(Race.Hardware.CACHING)) {
            hardware.look();
        }
        if (isOn(Race.Hardware.NON_COHERENT)) {
            requireUntouchedInMixtures();
        }
    }

    @Override
    public long hash() {
        return hardware.hash()
                + shadow.hash()
                + hidden.hash()
                + device.hash()
                + domain.writes().hash();
    }

    private void requireUntouchedInMixtures() {
        for (int mixture = 1; mixture < MIXTURES; mixture++) {
            requireUntouched("what may have been written back", read(mixture));
        }
    }

    /**
     * Reads with what was written back at the levels whose bit is set, and what is in memory at the
     * others.
     */
    private TinyTree read(int mixture) {
        PhysicalMemory memory = memory();
        return tree.read((level, address) ->
                (mixture >>> level & 1) != 0 ? shadow.load(address) : memory.loadAcquire(address));
    }

    private PhysicalMemory memory() {
        return tree.memory();
    }

    private void requireUntouched(String where, TinyTree read) {
        for (int page : untouched) {
            if (read.translations()[page] != before[page]) {
                throw new AssertionError(
                        "page "
                                + page
                                + ", which no call changes, translates in "
                                + where
                                + " to 0x"
                                + Long.toHexString(read.translations()[page])
                                + ", not to 0x"
                                + Long.toHexString(before[page]));
            }
        }
    }

    /** What a device used and nobody unmaps is marked as used in whatever maps it now. */
    private void requireBits(Outcome outcome) {
        int page = outcome.call.first();
        if (outcome.call.isDma() && untouched.contains(page) && !clearsBits) {
            requireEqual(
                    "bits of page " + page + ", which a device used",
                    outcome.used,
                    tree.leaf(page) & outcome.used);
        }
    }

    private void returned(Outcome outcome, List<Outcome> unsynced) {
        if (outcome.call.isDma() && outcome.used == 0 && untouched.contains(outcome.call.first())) {
            throw new AssertionError(outcome + " found nothing mapped");
        }
        if (isOn(Race.Hardware.NON_COHERENT) && outcome.tellsOfMemory()) {
            requireWrittenBack(outcome);
        }
        if (!isOn(Race.Hardware.CACHING)) {
            return;
        }
        if (outcome.call.verb() == Call.Verb.SYNC) {
            unsynced.forEach(this::requireForgotten);
            unsynced.clear();
        } else if (outcome.isDone()) {
            unsynced.add(outcome);
        }
    }

    private void requireWrittenBack(Outcome outcome) {
        long[] now = tree.read().translations().clone();
        for (int mixture = 1; mixture < MIXTURES; mixture++) {
            read(mixture);
            for (int page = 0; page < now.length; page++) {
                if (outcome.call.touches(page) && !mayBeSeen(outcome, page, now[page])) {
                    throw new AssertionError(
                            outcome
                                    + " has returned, and a walker may still see page "
                                    + page
                                    + " translated to 0x"
                                    + Long.toHexString(tree.translations()[page])
                                    + " by a leaf of 0x"
                                    + Long.toHexString(tree.leafSize(page)));
                }
            }
        }
    }

    /**
     * Whether a walker may find of a page what it finds, a call having returned that touches it.
     */
    private boolean mayBeSeen(Outcome outcome, int page, long now) {
        long seen = tree.translations()[page];
        if (!outcome.isDone()) {
            return outcome.call.count() > 1 || isUnmapped(page) || seen != SteppedDomain.NOT_MAPPED;
        }
        if (outcome.call.verb() == Call.Verb.SPLIT
                && tree.leafSize(page) > Call.bytes(1)
                && !isCoalesced(page)) {
            return false;
        }
        if (isBeingChanged(page)) {
            return !outcome.call.changes(page)
                    || before[page] == SteppedDomain.NOT_MAPPED
                    || seen != before[page];
        }
        return seen == now;
    }

    private boolean isUnmapped(int page) {
        return calls.stream()
                .flatMap(List::stream)
                .anyMatch(call -> call.verb() == Call.Verb.UNMAP && call.touches(page));
    }

    private boolean isCoalesced(int page) {
        return calls.stream()
                .flatMap(List::stream)
                .anyMatch(call -> call.verb() == Call.Verb.COALESCE && call.touches(page));
    }

    private boolean isBeingChanged(int page) {
        return begun.stream()
                .anyMatch(outcome -> !ended.contains(outcome) && outcome.call.changes(page));
    }

    /**
     * After the sync of what a call did, caches agree with memory on the pages that nobody else
     * changes.
     */
    private void requireForgotten(Outcome outcome) {
        tree.read();
        for (int page = 0; page < before.length; page++) {
            if (outcome.call.changes(page)
                    && (!isChangedByOthers(outcome.thread, page)
                            || isFirstMapping(outcome.call, page))) {
                requireForgotten(page, outcome + " is synced");
            }
        }
    }

    /**
     * True if the page translates to what the call mapped there, and never translated to anything
     * before.
     */
    private boolean isFirstMapping(Call call, int page) {
        return call.maps()
                && before[page] == SteppedDomain.NOT_MAPPED
                && tree.translations()[page] == call.output() + Call.bytes(page - call.first());
    }

    private boolean isChangedByOthers(int thread, int page) {
        for (int other = 0; other < calls.size(); other++) {
            if (other != thread && calls.get(other).stream().anyMatch(call -> call.changes(page))) {
                return true;
            }
        }
        return false;
    }

    private void requireForgotten(int page, String when) {
        for (long output : hardware.outputs(Call.bytes(page))) {
            if (output != tree.translations()[page]) {
                throw new AssertionError(
                        when
                                + ", and page "
                                + page
                                + ", which translates to 0x"
                                + Long.toHexString(tree.translations()[page])
                                + ", may still be translated to 0x"
                                + Long.toHexString(output));
            }
        }
    }

    @Override
    public void invalidate(IotlbGather gather) {
        if (isOn(Race.Hardware.CACHING)) {
            hardware.invalidate(gather);
        }
    }

    private void goesBack(long page) {
        interleaver.overwrites(page, TABLE_BYTES);
        if (running && isOn(Race.Hardware.CACHING) && hardware.knowsTable(page)) {
            throw new AssertionError(
                    "page 0x" + Long.toHexString(page) + " goes back, and may still be walked");
        }
    }

    @Override
    public void tableLinked(long root, long page) {
        interleaver.announce(false);
    }

    @Override
    public void tableUnlinked(long root, long page) {
        interleaver.announce(false);
    }

    @Override
    public void unmapped(long root, long iova, long size) {
        interleaver.announce(false);
    }

    /** Checks what the threads have left, and closes. */
    void finish() {
        shadow.keepUp();
        tree.read();
        ended.forEach(this::requireBits);
        requireExplained();
        requireConsistent();
        gathers.forEach(domain::syncAndCopy);
        requireSynced();
        IotlbGather gather = domain.gather();
        tree.leaves()
                .tailMap(domain.largestLeaf() + 1)
                .forEach((size, count) ->
                        requireEqual("leaves of 0x" + Long.toHexString(size), 0, count));
        if (domain.isTracked()) {
            domain.report(0, Call.bytes(before.length), gather);
            domain.syncAndCopy(gather);
            long missed = domain.writes().uncovered().cardinality();
            requireEqual("written pages that are in no report", 0, missed);
        }
        domain.engine().trim(gather);
        domain.sync(gather).await();
        requireEqual("empty tables after trim", 0, tree.read().emptyTables());
        requireSynced();
        running = false;
        domain.close();
        allocator.everythingReturned();
        tree.requireNoGuards();
    }

    private void requireExplained() {
        String missing =
                new Explanation(before, tree.read().translations().clone(), ended).missing();
        if (!missing.isEmpty()) {
            throw new AssertionError(missing + ": " + ended);
        }
    }

    private void requireConsistent() {
        tree.read();
        tree.requireGuards();
        if (!domain.engine().leaves().equals(tree.leaves())) {
            throw new AssertionError(
                    "there are " + tree.leaves() + " leaves, not " + domain.engine().leaves());
        }
        if (tree.emptyTables() > race.options().emptyTables()) {
            throw new AssertionError(tree.emptyTables() + " empty tables are linked");
        }
    }

    private void requireSynced() {
        tree.read();
        if (isOn(Race.Hardware.CACHING)) {
            for (int page = 0; page < before.length; page++) {
                requireForgotten(page, "everything is synced");
            }
        }
        requireEqual("pages that are out", tree.tables().cardinality(), allocator.taken());
        requireEqual("table pages", allocator.taken(), domain.engine().tablePages());
        allocator.noMistakes();
    }

    private static void requireEqual(String what, long expected, long actual) {
        if (expected != actual) {
            throw new AssertionError(what + ": " + actual + ", not " + expected);
        }
    }
}
