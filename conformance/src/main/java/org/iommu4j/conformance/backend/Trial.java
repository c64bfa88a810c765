package org.iommu4j.conformance.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.conformance.Evidence;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.walker.TableAllocatorProvider;
import org.jspecify.annotations.Nullable;

/**
 * One trial of one contract: a new machine, the backend opened on it, and what the kit has put in
 * between to see what happens. The Iommu is opened when it is first asked for. Used by one thread
 * unless a method says otherwise.
 */
final class Trial {

    private static final long GIB = 1L << 30;
    private static final long LONG_MILLIS = 5000;

    /* In the 32 bits that every device has, behind the memory of a trial's machine, and before where interrupts go. */
    private static final long NARROW_START = 1L << 30;
    private static final long NARROW_PLACE = 64L << 20;
    private static final long NARROW_PLACES = 44;

    final Evidence evidence;
    final Random random;
    final Steps steps = new Steps();

    private final BackendUnderTest subject;
    private final @Nullable Machine machine;
    private final PhysicalMemory memory;
    private boolean observed;
    private boolean writesBack;
    private @Nullable Iommu iommu;
    private @Nullable LentPages pages;
    private @Nullable FlushRecord flushes;
    private long spans;
    private boolean narrowBus;

    Trial(BackendUnderTest subject, Evidence evidence) {
        this.subject = subject;
        this.evidence = evidence;
        this.random = new Random(subject.seed());
        this.machine = subject.newMachine().orElse(null);
        this.memory =
                machine == null
                        ? PhysicalMemory.allocate(BackendUnderTest.MEMORY)
                        : machine.memory();
        evidence.note(subject.toString());
    }

    /** Has the backend's stores seen; to be called before anything opens the Iommu. */
    Trial observed() {
        observed = true;
        return this;
    }

    /** Has the backend write tables back as for a unit that does not snoop, and that seen. */
    Trial writingBack() {
        writesBack = true;
        return observed();
    }

    /** {@return the backend, opened} */
    Iommu iommu() {
        Iommu open = iommu;
        if (open == null) {
            open = subject.provider().open(options());
            iommu = open;
        }
        return open;
    }

    private IommuOptions options() {
        IommuOptions base = subject.changed(ground());
        pages =
                new LentPages(
                        base.policy(
                                TableAllocatorProvider.class,
                                "table allocator",
                                TableAllocatorProvider.providers()));
        flushes =
                new FlushRecord(
                        base.policy(
                                FlushPolicyProvider.class,
                                "flush policy",
                                FlushPolicyProvider.providers()));
        IommuOptions watched =
                base.with(TableAllocatorProvider.class, pages)
                        .with(FlushPolicyProvider.class, flushes);
        return writesBack ? watched.with(CacheFlusherProvider.class, new AtOnceFlusher()) : watched;
    }

    private IommuOptions ground() {
        if (machine == null) {
            return IommuOptions.memoryOnly(observed ? memory.observedFirstBy(steps) : memory);
        }
        return IommuOptions.on(observed ? new ObservedMachine(machine, steps) : machine);
    }

    Capabilities capabilities() {
        return iommu().capabilities();
    }

    /** Ends the trial unless the backend has a feature. */
    void require(Feature feature) {
        if (!capabilities().has(feature)) {
            throw evidence.skip("the capability " + feature + " is missing");
        }
    }

    /** {@return true if the backend is open, and says that it has a feature} */
    boolean claims(Feature feature) {
        return iommu != null && iommu.capabilities().has(feature);
    }

    /** {@return what is lent; the Iommu is opened} */
    LentPages pages() {
        iommu();
        if (pages == null) {
            throw new IllegalStateException("the trial is not open");
        }
        return pages;
    }

    /** {@return what was flushed; the Iommu is opened} */
    FlushRecord flushes() {
        iommu();
        if (flushes == null) {
            throw new IllegalStateException("the trial is not open");
        }
        if (!flushes.isUsed()) {
            throw evidence.skip("the backend does not use the flush policy of its options");
        }
        return flushes;
    }

    /** {@return the machine's memory, or the tables' if there is no machine; nobody sees it} */
    PhysicalMemory memory() {
        return memory.unobserved();
    }

    Optional<Machine> machine() {
        return Optional.ofNullable(machine);
    }

    /** {@return the devices; the trial ends if there are none} */
    Bus bus() {
        if (machine == null || machine.devices().isEmpty()) {
            throw evidence.skip("there is no device that could do DMA");
        }
        require(Feature.ATTACH);
        narrowBus = machine.devices().stream().anyMatch(each -> each.addressBits() < width());
        return new Bus(machine, evidence);
    }

    NotedDomain domain() {
        return domain(DomainOptions.defaults());
    }

    NotedDomain domain(DomainOptions options) {
        return new NotedDomain(iommu().createDomain(options), evidence);
    }

    /** {@return the page sizes up to 1 GiB, ascending} */
    List<Long> sizes() {
        List<Long> sizes = new ArrayList<>();
        for (long size = PhysicalMemory.PAGE_SIZE; size <= GIB; size <<= 1) {
            if (capabilities().hasPageSize(size)) {
                sizes.add(size);
            }
        }
        return sizes;
    }

    /** {@return the smallest page size} */
    long page() {
        return sizes().getFirst();
    }

    /** {@return the page sizes above the smallest; the trial ends if there are none} */
    List<Long> largeSizes() {
        List<Long> sizes = sizes();
        if (sizes.size() < 2) {
            throw evidence.skip("the capability PAGE_SIZES is missing: there is one size only");
        }
        return sizes.subList(1, sizes.size());
    }

    /** {@return the smallest of the large page sizes} */
    long large() {
        return largeSizes().getFirst();
    }

    /** {@return the width of the domains that no option asks more of, or less, in bits} */
    int width() {
        return capabilities().addressWidths().getFirst();
    }

    /**
     * Chooses a place for mappings: 4 GiB, aligned to that, another one at each call as long as the
     * width has any. Once somebody has asked for the bus of a machine whose devices cannot name
     * such addresses, it is 64 MiB that they can, and that nothing but tables leads to memory.
     */
    long place() {
        if (narrowBus) {
            return NARROW_START + spans++ % NARROW_PLACES * NARROW_PLACE;
        }
        long most = Math.max(1, (1L << width()) / (4 * GIB));
        if (spans == 0) {
            spans = random.nextLong(most);
        }
        return ++spans % most * (4 * GIB);
    }

    /** {@return how many bytes from a {@link #place} on are its own} */
    long placeBytes() {
        return narrowBus ? NARROW_PLACE : 4 * GIB;
    }

    /** {@return an output address without memory behind it, aligned to 1 GiB} */
    long output() {
        return 1L << capabilities().hostAddressWidth() - 1;
    }

    /** Hands a domain's tables to who reads them as a unit does; the domain must be empty. */
    UnitTables tables(NotedDomain domain) {
        return TableFinder.find(this, domain, subject.formats());
    }

    /** The same, or null where nobody gives a format. */
    @Nullable UnitTables readable(NotedDomain domain) {
        return subject.formats().isEmpty() ? null : tables(domain);
    }

    /**
     * Chooses steps of an operation to look at: the last ones, which are those that others can see,
     * and some others.
     */
    List<Integer> someSteps(int count) {
        TreeSet<Integer> steps = new TreeSet<>();
        for (int i = Math.max(0, count - 6); i < count; i++) {
            steps.add(i);
        }
        for (int i = 0; i < 4 && count > 0; i++) {
            steps.add(random.nextInt(count));
        }
        return List.copyOf(steps);
    }

    /** What the machine's sanitizer found so far. */
    List<Sanitizer.Finding> findings() {
        return machine().flatMap(Machine::sanitizer).map(Sanitizer::findings).orElse(List.of());
    }

    /** Closes everything as it should be closed, and looks at what is left. */
    void finish(String rule) {
        Iommu open = iommu;
        if (open != null) {
            open.close();
            iommu = null;
        }
        List<Sanitizer.Finding> found = findings();
        found.stream()
                .filter(finding -> finding.rule().equals(rule))
                .findFirst()
                .or(() -> found.stream().findFirst())
                .ifPresent(this::report);
        if (pages != null) {
            pages.problems().forEach(problem -> evidence.broken("T2", problem));
            if (pages.count() > 0) {
                throw evidence.broken(
                        "L1",
                        pages.count()
                                + " pages are still taken after everything was closed, one at "
                                + Hex.of(pages.lent().iterator().next()));
            }
        }
    }

    private void report(Sanitizer.Finding finding) {
        finding.history().forEach(evidence::note);
        evidence.broken(finding.rule(), "the machine's sanitizer found: " + finding.summary());
    }

    /** Notes what else was found, after the contract was broken. */
    void noteFindings() {
        findings().stream().limit(3).forEach(finding -> evidence.note("sanitizer: " + finding));
    }

    /** Closes whatever is open, and does not mind how, nor whether that ever ends. */
    void abandon() {
        Iommu open = iommu;
        if (open != null) {
            Rival close = Rival.starts("close of the Iommu after that", () -> close(open));
            if (!close.isDoneWithin(LONG_MILLIS)) {
                evidence.note("the Iommu had not been closed " + LONG_MILLIS + " ms after that");
            }
        }
        if (machine != null) {
            machine.close();
        }
    }

    private void close(Iommu open) {
        if (flushes != null) {
            flushes.fail(false);
            flushes.before(() -> {});
            flushes.release();
        }
        open.close();
    }
}
