package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.walker.PageTableFormat;

/**
 * What some threads do at the same time on a tree of a tiny format, which has 64 pages, 4 a table.
 *
 * @param setup calls that are made before, and synced
 * @param threads the calls of each thread; see {@link Call}
 * @param options of the domain
 * @param pages how many pages there are for tables
 * @param spare how many of them are free when the threads begin, or {@link #ALL}
 * @param kind of hardware
 * @param format of the tables
 */
record Race(
        String setup,
        List<String> threads,
        DomainOptions options,
        int pages,
        int spare,
        Hardware kind,
        PageTableFormat format) {

    /** What the tables are checked against while the threads run. */
    enum Hardware {
        /** A walk at each step. */
        WALKING,
        /** That, and an IOTLB and paging-structure caches that forget nothing until they must. */
        CACHING,
        /** A walk at each step that sees only what was written back, or not, as it likes. */
        NON_COHERENT
    }

    /** No page is withheld. */
    static final int ALL = -1;

    private static final int ENOUGH = 40;

    static Race of(String setup, String... threads) {
        return new Race(
                setup,
                List.of(threads),
                DomainOptions.defaults().withEmptyTables(0),
                ENOUGH,
                ALL,
                Hardware.WALKING,
                TestFormats.tiny());
    }

    /**
     * Reads a race: the setup and the threads, separated by {@code |}; {@code nothing} is an empty
     * setup.
     */
    static Race parse(String text) {
        String[] parts = text.split("\\s*\\|\\s*", -1);
        String setup = parts[0].equals("nothing") ? "" : parts[0];
        return of(setup, Arrays.copyOfRange(parts, 1, parts.length));
    }

    Race emptyTables(int count) {
        return new Race(setup, threads, options.withEmptyTables(count), pages, spare, kind, format);
    }

    Race partialUnmap(PartialUnmap partial) {
        return new Race(
                setup, threads, options.withPartialUnmap(partial), pages, spare, kind, format);
    }

    /** So few pages that one that came back is soon taken again. */
    Race pages(int count) {
        return new Race(setup, threads, options, count, spare, kind, format);
    }

    Race spare(int count) {
        return new Race(setup, threads, options, pages, count, kind, format);
    }

    Race on(Hardware value) {
        return new Race(setup, threads, options, pages, spare, value, format);
    }

    Race of(PageTableFormat value) {
        return new Race(setup, threads, options, pages, spare, kind, value);
    }

    List<Call> setupCalls() {
        return Call.parse(setup, 0);
    }

    /** True if dirty bits are cleared at some time. */
    boolean isTracked() {
        return setupCalls().stream().anyMatch(Call::tracks)
                || calls().stream().flatMap(List::stream).anyMatch(Call::tracks);
    }

    /** The calls of each thread; all maps of a race have outputs of their own. */
    List<List<Call>> calls() {
        int number = setupCalls().size();
        List<List<Call>> calls = new ArrayList<>();
        for (String thread : threads) {
            calls.add(Call.parse(thread, number));
            number += calls.getLast().size();
        }
        return calls;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(setup.isEmpty() ? "nothing" : setup);
        threads.forEach(thread -> text.append(" | ").append(thread));
        text.append(" (").append(options.emptyTables()).append(" empty tables");
        text.append(
                options.partialUnmap() == PartialUnmap.SPLIT ? "" : ", " + options.partialUnmap());
        text.append(spare == ALL ? "" : ", " + spare + " spare");
        text.append(", ").append(kind);
        return text.append(", ").append(format.name()).append(')').toString();
    }
}
