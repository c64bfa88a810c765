package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.iommu4j.walker.PageTableFormat;
import org.jspecify.annotations.Nullable;

/**
 * A domain on the engine without a unit: it records what it was told to invalidate, and completes
 * that at once or when the test says so.
 */
final class TestDomain extends PageTableDomain {

    /** One range of a flush, end exclusive. */
    record Span(long start, long end) {}

    /** What a gather held when it was handed over. */
    record Flush(List<Span> spans, long smallestPage, boolean structureChanged, int heldPages) {

        static Flush of(IotlbGather gather) {
            List<Span> spans = new ArrayList<>();
            for (int i = 0; i < gather.rangeCount(); i++) {
                spans.add(new Span(gather.rangeStart(i), gather.rangeEnd(i)));
            }
            spans.sort((a, b) -> Long.compare(a.start, b.start));
            return new Flush(
                    List.copyOf(spans),
                    gather.smallestPage(),
                    gather.structureChanged(),
                    gather.heldPages());
        }

        /** Whether one of the ranges covers all of this one. */
        boolean covers(long iova, long size) {
            return spans.stream().anyMatch(span -> span.start <= iova && iova + size <= span.end);
        }
    }

    /** How a domain is made. */
    static final class Setup {

        private final PageTableFormat format;
        private DomainOptions options = DomainOptions.defaults().withEmptyTables(0);
        private int pages = 1 << 14;
        private boolean observed;
        private boolean coherent = true;
        private boolean manual;
        private MemoryObserver first = ObserverSwitch.NOBODY;
        private Witness witness = Witness.NONE;
        private @Nullable ScheduledExecutorService scheduler;

        Setup(PageTableFormat format) {
            this.format = format;
        }

        /** Options; those of a new setup keep no empty tables. */
        Setup options(DomainOptions value) {
            options = value;
            return this;
        }

        Setup partialUnmap(PartialUnmap value) {
            options = options.withPartialUnmap(value);
            return this;
        }

        Setup emptyTables(int count) {
            options = options.withEmptyTables(count);
            return this;
        }

        /** Bounds the pages that tables can take. */
        Setup pages(int count) {
            pages = count;
            return this;
        }

        /** Lets {@link TestDomain#observe} be used. */
        Setup observed() {
            observed = true;
            return this;
        }

        /** Has an observer see every access from the first on. */
        Setup observedBy(MemoryObserver target) {
            first = target;
            return observed();
        }

        /** Has somebody hear what the engine believes. */
        Setup witness(Witness value) {
            witness = value;
            return this;
        }

        /** Has something to run work in the background. */
        Setup scheduler(ScheduledExecutorService value) {
            scheduler = value;
            return this;
        }

        /** Has the engine write back what it stores, through the observed memory. */
        Setup nonCoherent() {
            coherent = false;
            return this;
        }

        /** Completes invalidations when the test or a waiting call says so, not at once. */
        Setup manual() {
            manual = true;
            return this;
        }

        TestDomain open() {
            PhysicalMemory memory =
                    PhysicalMemory.allocate((pages + 1L) * PhysicalMemory.PAGE_SIZE);
            return open(memory, new TestAllocator(memory));
        }

        /** Opens on memory and an allocator that other domains use too. */
        TestDomain open(PhysicalMemory memory, TestAllocator allocator) {
            ObserverSwitch observer = new ObserverSwitch();
            observer.target = first;
            PhysicalMemory seen = observed ? memory.observedBy(observer) : memory;
            CacheFlusher cache = new LineFlusher(seen, !coherent);
            PageTable table = PageTable.create(format, seen, allocator, cache, witness, options);
            ScheduledExecutorService executor = scheduler;
            return executor == null
                    ? new TestDomain(table, memory, allocator, observer, manual)
                    : new TestDomain(table, memory, allocator, observer, executor);
        }
    }

    private final PageTable table;
    private final PhysicalMemory memory;
    private final TestAllocator allocator;
    private final ObserverSwitch observer;
    private final boolean manual;
    private final List<Flush> flushes = new CopyOnWriteArrayList<>();
    private final List<Pending> pending = new CopyOnWriteArrayList<>();
    private volatile boolean recording = true;
    private volatile boolean keepsDirtyBits;

    private TestDomain(
            PageTable table,
            PhysicalMemory memory,
            TestAllocator allocator,
            ObserverSwitch observer,
            boolean manual) {
        super(table);
        this.table = table;
        this.memory = memory;
        this.allocator = allocator;
        this.observer = observer;
        this.manual = manual;
    }

    private TestDomain(
            PageTable table,
            PhysicalMemory memory,
            TestAllocator allocator,
            ObserverSwitch observer,
            ScheduledExecutorService scheduler) {
        super(table, false, () -> scheduler);
        this.table = table;
        this.memory = memory;
        this.allocator = allocator;
        this.observer = observer;
        this.manual = false;
    }

    static Setup on(PageTableFormat format) {
        return new Setup(format);
    }

    /** The engine itself. */
    PageTable engine() {
        return table;
    }

    PageTableFormat format() {
        return table.format();
    }

    long root() {
        return table.root();
    }

    /** The memory, unobserved. */
    PhysicalMemory memory() {
        return memory;
    }

    TestAllocator allocator() {
        return allocator;
    }

    /**
     * Has an observer see every access from now on; the domain must have been opened as observed.
     */
    void observe(MemoryObserver target) {
        observer.target = target;
    }

    void observeNothing() {
        observer.target = ObserverSwitch.NOBODY;
    }

    /** What was handed over, oldest first. */
    List<Flush> flushes() {
        return flushes;
    }

    /** Forgets what was handed over, and for long runs records nothing from now on. */
    void stopRecording() {
        recording = false;
        flushes.clear();
    }

    /** How many invalidations wait. */
    int pending() {
        return pending.size();
    }

    /** Completes one of the waiting invalidations. */
    void complete(int index) {
        pending.get(index).complete();
    }

    /** Completes all waiting invalidations, oldest first. */
    void completeAll() {
        pending.forEach(Pending::complete);
    }

    /** Closes, and finds every page back with the allocator. */
    void closeAndCheck() {
        observeNothing();
        completeAll();
        close();
        allocator.everythingReturned();
    }

    @Override
    protected void startDirtyBits() {
        keepsDirtyBits = true;
    }

    @Override
    protected void stopDirtyBits() {
        keepsDirtyBits = false;
    }

    /** True while hardware is to keep dirty bits. */
    boolean keepsDirtyBits() {
        return keepsDirtyBits;
    }

    @Override
    protected FlushCompletion flush(IotlbGather gather) {
        if (gather.isEmpty()) {
            return FlushCompletion.DONE;
        }
        if (recording) {
            flushes.add(Flush.of(gather));
        }
        if (!manual) {
            gather.completed();
            return FlushCompletion.DONE;
        }
        IotlbGather batch = gather.sibling();
        gather.moveTo(batch);
        Pending waiting = new Pending(batch);
        pending.add(waiting);
        return waiting;
    }

    @Override
    protected DomainStatistics.Invalidations invalidations() {
        return new DomainStatistics.Invalidations(flushes.size(), 0, 0);
    }

    /** An invalidation that the unit has not answered yet. */
    private final class Pending implements FlushCompletion {

        private final IotlbGather batch;
        private final AtomicBoolean begun = new AtomicBoolean();
        private final List<Runnable> actions = new ArrayList<>();
        private boolean done;

        Pending(IotlbGather batch) {
            this.batch = batch;
        }

        void complete() {
            if (begun.compareAndSet(false, true)) {
                batch.completed();
                pending.remove(this);
                finish().forEach(Runnable::run);
            }
        }

        private synchronized List<Runnable> finish() {
            done = true;
            notifyAll();
            return List.copyOf(actions);
        }

        @Override
        public synchronized boolean isDone() {
            return done;
        }

        /** As a unit would, answers sooner or later: now, unless another thread is about to. */
        @Override
        public void await() {
            complete();
            awaitOther();
        }

        private synchronized void awaitOther() {
            try {
                while (!done) {
                    wait();
                }
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted", e);
            }
        }

        @Override
        public void whenDone(Runnable action) {
            synchronized (this) {
                if (!done) {
                    actions.add(action);
                    return;
                }
            }
            action.run();
        }
    }
}
