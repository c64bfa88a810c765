package org.iommu4j.pagetable;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.MappingConflictException;
import org.iommu4j.api.PartialUnmapException;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.machine.PhysicalMemory;

/**
 * One call of a scenario. It is written as its name and its range in pages, {@code unmap 1+2}: two
 * pages from page 1 on.
 *
 * @param verb what is called
 * @param first its first page
 * @param count how many pages
 * @param output what its first page translates to, for a call that maps; no other call of a
 *     scenario maps to the same
 */
record Call(Verb verb, int first, int count, long output) {

    /** What there is to call. */
    enum Verb {
        /** Maps, and expects to find nothing. */
        MAP,
        /** Maps unless something is there. */
        TRY,
        /** Maps each page of the range by a call of its own; for setups. */
        PAGES,
        UNMAP,
        CUT,
        /** Splits to the smallest pages. */
        SPLIT,
        COALESCE,
        /** Begins to track writes at a granularity of so many pages; for setups. */
        TRACK,
        /** The same, lazily. */
        LAZILY,
        /** Reports what was written, and begins anew. */
        REPORT,
        /** Translates the first page. */
        WALK,
        /** Visits the mappings. */
        LIST,
        /** Asks for the mapping of the first page. */
        AT,
        SYNC,
        TRIM,
        /** A device reads the first page. */
        READ,
        /** A device writes the first page. */
        WRITE
    }

    private static final Pattern FORM = Pattern.compile("([a-z]+)(?: ([0-9]+)(?:\\+([0-9]+))?)?");
    private static final int NEXT_OUTPUT = 24;

    /**
     * Reads calls in a row, separated by {@code ;}. The first of them gets this number, which
     * outputs are made of.
     */
    static List<Call> parse(String text, int number) {
        String[] calls = text.isBlank() ? new String[0] : text.strip().split("\\s*;\\s*");
        Call[] parsed = new Call[calls.length];
        for (int i = 0; i < calls.length; i++) {
            Matcher form = FORM.matcher(calls[i]);
            if (!form.matches()) {
                throw new IllegalArgumentException("no call: " + calls[i]);
            }
            int first = form.group(2) == null ? 0 : Integer.parseInt(form.group(2));
            int count = form.group(3) == null ? 1 : Integer.parseInt(form.group(3));
            long output = (number + i + 1L << NEXT_OUTPUT) + bytes(first);
            parsed[i] =
                    new Call(
                            Verb.valueOf(form.group(1).toUpperCase(Locale.ROOT)),
                            first,
                            count,
                            output);
        }
        return List.of(parsed);
    }

    static long bytes(long pages) {
        return pages << PhysicalMemory.PAGE_SHIFT;
    }

    boolean maps() {
        return verb == Verb.MAP || verb == Verb.TRY || verb == Verb.PAGES;
    }

    /** True if it may change what a page translates to. */
    boolean changes(int page) {
        return (maps() || verb == Verb.UNMAP) && touches(page);
    }

    boolean reads() {
        return verb == Verb.WALK || verb == Verb.LIST || verb == Verb.AT;
    }

    /** True if it is no call of software, but what a device does. */
    boolean isDma() {
        return verb == Verb.READ || verb == Verb.WRITE;
    }

    /** True if it begins to track writes. */
    boolean tracks() {
        return verb == Verb.TRACK || verb == Verb.LAZILY;
    }

    boolean touches(int page) {
        boolean ranged = verb != Verb.SYNC && verb != Verb.TRIM && !tracks();
        return ranged && page >= first && page < first + count;
    }

    /** Calls, and notes what came of it. */
    void run(SteppedDomain domain, IotlbGather gather, Outcome outcome) {
        try {
            call(domain, gather, outcome);
        } catch (MappingConflictException e) {
            outcome.result = Outcome.Result.CONFLICT;
            outcome.requireInRange(e.existing());
        } catch (PartialUnmapException e) {
            outcome.result = Outcome.Result.REJECTED;
            outcome.requireInRange(e.leaf());
        } catch (TableMemoryExhaustedException e) {
            outcome.result = Outcome.Result.EXHAUSTED;
        }
    }

    private void call(SteppedDomain domain, IotlbGather gather, Outcome outcome) {
        long iova = bytes(first);
        long size = bytes(count);
        switch (verb) {
            case MAP -> domain.map(iova, output, size, Access.READ_WRITE, gather);
            case TRY -> {
                if (!domain.tryMap(iova, output, size, Access.READ_WRITE, gather)) {
                    outcome.result = Outcome.Result.CONFLICT;
                }
            }
            case PAGES -> {
                for (int page = 0; page < count; page++) {
                    domain.map(
                            iova + bytes(page),
                            output + bytes(page),
                            bytes(1),
                            Access.READ_WRITE,
                            gather);
                }
            }
            case UNMAP ->
                    outcome.pages =
                            (int) (domain.unmap(iova, size, gather) >>> PhysicalMemory.PAGE_SHIFT);
            case CUT -> domain.cut(iova, size, gather);
            case SPLIT -> domain.split(iova, size, bytes(1), gather);
            case COALESCE -> domain.coalesce(iova, size, gather);
            case TRACK, LAZILY -> domain.track(size, verb == Verb.LAZILY);
            case REPORT -> domain.report(iova, size, gather);
            case WALK -> outcome.seen[0] = domain.translate(iova);
            case LIST -> list(domain, outcome);
            case AT ->
                    domain.mappingAt(iova)
                            .ifPresent(mapping ->
                                    outcome.seen[0] =
                                            mapping.outputAddress() + iova - mapping.iova());
            case SYNC -> domain.syncAndCopy(gather);
            case TRIM -> domain.engine().trim(gather);
            case READ -> outcome.used = domain.use(iova, false);
            case WRITE -> outcome.used = domain.use(iova, true);
        }
    }

    /**
     * A leaf that was made meanwhile may begin below where the visit is; it tells of what comes
     * from there on.
     */
    private void list(SteppedDomain domain, Outcome outcome) {
        long[] visited = {bytes(first)};
        domain.mappings(
                bytes(first),
                bytes(count),
                (at, output, size, access) -> {
                    if (at + size <= visited[0] || at >= bytes(first + count)) {
                        throw new AssertionError(
                                this
                                        + " visited a leaf of 0x"
                                        + Long.toHexString(size)
                                        + " at 0x"
                                        + Long.toHexString(at)
                                        + ", being at 0x"
                                        + Long.toHexString(visited[0]));
                    }
                    for (int page = 0; page < count; page++) {
                        long iova = bytes(first + page);
                        if (iova >= Math.max(at, visited[0]) && iova < at + size) {
                            outcome.seen[page] = output + iova - at;
                        }
                    }
                    visited[0] = at + size;
                    return true;
                });
    }

    @Override
    public String toString() {
        return verb.name().toLowerCase(Locale.ROOT) + " " + first + "+" + count;
    }
}
