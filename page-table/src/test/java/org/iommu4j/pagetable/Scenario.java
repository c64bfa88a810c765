package org.iommu4j.pagetable;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.walker.PageTableFormat;

/**
 * One operation on a domain that was made ready for it: what the tests of intermediate states and
 * of failures run, on every format, at both ends of its space.
 *
 * @param name what happens
 * @param format on which format
 * @param base where the two large leaves begin that it plays in
 * @param ready makes the domain ready
 * @param act the operation
 * @param edges where leaves or the operation begin or end, relative to the base
 */
record Scenario(
        String name,
        PageTableFormat format,
        long base,
        Consumer<TestDomain> ready,
        BiConsumer<TestDomain, IotlbGather> act,
        List<Long> edges) {

    private static final long OFFSET = 1L << 40;

    private static final Access ACCESS = Access.READ_WRITE.withSoftware(0x2a);
    private static final int RANDOM_PLACES = 12;
    private static final int PLACES_IN_SMALL_SPACE = 64;

    private Scenario(
            String name,
            PageTableFormat format,
            long base,
            Consumer<TestDomain> ready,
            BiConsumer<TestDomain, IotlbGather> act,
            long... edges) {
        this(name, format, base, ready, act, Arrays.stream(edges).boxed().toList());
    }

    /** All of them on all formats at both ends. */
    static Stream<Scenario> all() {
        return TestFormats.all().flatMap(Scenario::of);
    }

    /** All of them on one format at both ends. */
    static Stream<Scenario> of(PageTableFormat format) {
        long top = (1L << format.addressWidth()) - (2L << format.shift(2));
        return Stream.of(0L, top)
                .flatMap(base ->
                        Stream.of(
                                        unmaps(format, base),
                                        cutsAndSplits(format, base),
                                        coalesces(format, base),
                                        others(format, base))
                                .flatMap(each -> each));
    }

    private static Stream<Scenario> unmaps(PageTableFormat format, long b) {
        long s = 1L << format.shift(0);
        long m = 1L << format.shift(1);
        long l = 1L << format.shift(2);
        return Stream.of(
                new Scenario(
                        "a page out of a mid leaf",
                        format,
                        b,
                        maps(b, m),
                        unmaps(b + s, s),
                        0,
                        s,
                        2 * s,
                        m),
                new Scenario(
                        "the first page of a mid leaf",
                        format,
                        b,
                        maps(b, m),
                        unmaps(b, s),
                        0,
                        s,
                        m),
                new Scenario(
                        "the last page of a mid leaf",
                        format,
                        b,
                        maps(b, m),
                        unmaps(b + m - s, s),
                        0,
                        m - s,
                        m),
                new Scenario(
                        "a page out of a large leaf",
                        format,
                        b,
                        maps(b, l),
                        unmaps(b + m + s, s),
                        m,
                        m + s,
                        l,
                        2 * m),
                new Scenario(
                        "as much as a mid leaf out of two",
                        format,
                        b,
                        maps(b, 2 * m),
                        unmaps(b + m / 2, m),
                        m / 2,
                        m,
                        m + m / 2,
                        2 * m),
                new Scenario(
                        "pages and mid leaves out of a large one",
                        format,
                        b,
                        maps(b, l),
                        unmaps(b + m / 2, 2 * m),
                        m / 2,
                        2 * m,
                        2 * m + m / 2,
                        l),
                new Scenario(
                        "the end of a large leaf and the start of the next",
                        format,
                        b,
                        maps(b, 2 * l),
                        unmaps(b + l - s, 2 * s),
                        l - m,
                        l - s,
                        l + s,
                        l + m),
                new Scenario(
                        "from a mid leaf over pages and a hole into a large one",
                        format,
                        b,
                        maps(b, m).andThen(mapsPages(b + m, 2 * s)).andThen(maps(b + l, l)),
                        unmaps(b + s, l),
                        s,
                        m,
                        m + 2 * s,
                        l + s,
                        2 * l),
                new Scenario(
                        "a whole table of pages beside a mid leaf",
                        format,
                        b,
                        mapsPages(b, m).andThen(maps(b + m, m)),
                        unmaps(b, m),
                        0,
                        m,
                        2 * m),
                new Scenario(
                        "the only page of a table beside a mid leaf",
                        format,
                        b,
                        mapsPages(b + s, s).andThen(maps(b + m, m)),
                        unmaps(b + s, s),
                        s,
                        2 * s,
                        m,
                        2 * m));
    }

    private static Stream<Scenario> cutsAndSplits(PageTableFormat format, long b) {
        long s = 1L << format.shift(0);
        long m = 1L << format.shift(1);
        long l = 1L << format.shift(2);
        long finest = format.entries() > 16 ? m : s;
        return Stream.of(
                new Scenario(
                        "cut both ends of a page in a large leaf",
                        format,
                        b,
                        maps(b, l),
                        (domain, gather) -> domain.cut(b + m + s, s, gather),
                        m,
                        m + s,
                        m + 2 * s,
                        l),
                new Scenario(
                        "cut two large leaves at mid boundaries",
                        format,
                        b,
                        maps(b, 2 * l),
                        (domain, gather) -> domain.cut(b + m, l, gather),
                        m,
                        l,
                        l + m,
                        2 * l),
                new Scenario(
                        "split a mid leaf into pages",
                        format,
                        b,
                        maps(b, 2 * m),
                        (domain, gather) -> domain.split(b, m, s, gather),
                        0,
                        m / 2,
                        m,
                        2 * m),
                new Scenario(
                        "split two large leaves",
                        format,
                        b,
                        maps(b, 2 * l),
                        (domain, gather) -> domain.split(b, 2 * l, finest, gather),
                        0,
                        m,
                        l,
                        2 * l));
    }

    private static Stream<Scenario> coalesces(PageTableFormat format, long b) {
        long s = 1L << format.shift(0);
        long m = 1L << format.shift(1);
        long l = 1L << format.shift(2);
        return Stream.of(
                new Scenario(
                        "coalesce pages into a mid leaf",
                        format,
                        b,
                        maps(b, 2 * m).andThen(domain -> split(domain, b, m, s)),
                        coalesces(b, 2 * m),
                        0,
                        s,
                        m,
                        2 * m),
                new Scenario(
                        "coalesce pages and mid leaves into a large leaf",
                        format,
                        b,
                        maps(b, 2 * l).andThen(domain -> split(domain, b + m, s, s)),
                        coalesces(b, 2 * l),
                        m,
                        m + s,
                        2 * m,
                        l),
                new Scenario(
                        "coalesce beside a page that is missing",
                        format,
                        b,
                        maps(b, l)
                                .andThen(domain -> domain.unmap(b + m + s, s))
                                .andThen(domain -> split(domain, b, m, s)),
                        coalesces(b, l),
                        m,
                        m + s,
                        m + 2 * s,
                        2 * m));
    }

    private static void split(TestDomain domain, long iova, long size, long pageSize) {
        try (IotlbGather gather = domain.gather()) {
            domain.split(iova, size, pageSize, gather);
        }
    }

    private static BiConsumer<TestDomain, IotlbGather> coalesces(long iova, long size) {
        return (domain, gather) -> domain.coalesce(iova, size, gather);
    }

    private static Stream<Scenario> others(PageTableFormat format, long b) {
        long s = 1L << format.shift(0);
        long m = 1L << format.shift(1);
        long l = 1L << format.shift(2);
        return Stream.of(
                new Scenario(
                        "map around with every size",
                        format,
                        b,
                        maps(b, s),
                        (domain, gather) ->
                                domain.map(b + s, output(b + s), 2 * l - 2 * s, ACCESS, gather),
                        s,
                        m,
                        l,
                        2 * l - m,
                        2 * l - s),
                new Scenario(
                        "map a mid leaf where a table was emptied",
                        format,
                        b,
                        mapsPages(b, 2 * s)
                                .andThen(mapsPages(b + m, s))
                                .andThen(domain -> domain.unmap(b, 2 * s)),
                        (domain, gather) -> domain.map(b, output(b), m, ACCESS, gather),
                        0,
                        2 * s,
                        m,
                        m + s));
    }

    /** Aligned as its address is, and within the width of every format's output addresses. */
    private static long output(long iova) {
        return (iova & OFFSET - 1) + OFFSET;
    }

    private static Consumer<TestDomain> maps(long iova, long size) {
        return domain -> domain.map(iova, output(iova), size, ACCESS);
    }

    /** Maps to where nothing larger than a page is aligned. */
    private static Consumer<TestDomain> mapsPages(long iova, long size) {
        return domain ->
                domain.map(iova, output(iova) + (1L << domain.format().shift(0)), size, ACCESS);
    }

    private static BiConsumer<TestDomain, IotlbGather> unmaps(long iova, long size) {
        return (domain, gather) -> domain.unmap(iova, size, gather);
    }

    /** Makes it ready on a new domain. */
    TestDomain open(TestDomain.Setup setup) {
        TestDomain domain = setup.emptyTables(4).open();
        ready.accept(domain);
        return domain;
    }

    void act(TestDomain domain, IotlbGather gather) {
        act.accept(domain, gather);
    }

    /** Does it, and has the hardware forget what it must. */
    void actAndSync(TestDomain domain) {
        try (IotlbGather gather = domain.gather()) {
            act(domain, gather);
        }
    }

    /**
     * The addresses of interest: both sides of every edge, and some in between; all of a small
     * space.
     */
    long[] places() {
        long page = 1L << format.shift(0);
        long end = 2L << format.shift(2);
        Set<Long> places = new TreeSet<>();
        for (long edge : edges) {
            places.add(Math.max(edge - 1, 0));
            places.add(Math.min(edge, end - 1));
        }
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < RANDOM_PLACES; i++) {
            places.add(random.nextLong(end));
        }
        for (long at = 0; at < end && end / page <= PLACES_IN_SMALL_SPACE; at += page) {
            places.add(at);
        }
        return places.stream().mapToLong(place -> base + place).toArray();
    }

    @Override
    public String toString() {
        return name
                + ", "
                + format.name()
                + ", at 0x"
                + Long.toHexString(base)
                + ", edges "
                + edges.stream().map(Long::toHexString).toList();
    }
}
