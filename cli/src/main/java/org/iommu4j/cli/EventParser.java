package org.iommu4j.cli;

/**
 * Reads one line of a trace, in any of the layouts that Linux and its tools print:
 *
 * <pre>
 * ftrace            TASK-PID [CPU] FLAGS TIME: map: IOMMU: iova=0x… - 0x… paddr=0x… size=N
 * trace-cmd report  TASK-PID [CPU] TIME: unmap:     IOMMU: iova=0x… - 0x… size=N unmapped_size=M
 * perf script       TASK PID [CPU] TIME: iommu:map: IOMMU: iova=0x… - 0x… paddr=0x… size=N
 * any               … cache_tag_flush_range[_np]: UNIT DEVICE[PASID] type T did N [0xFIRST-0xLAST] …
 * </pre>
 *
 * Older kernels print no end of the range. Fields that a newer kernel appends are ignored. One pass
 * over the line, and no object made for a line that can be read.
 */
final class EventParser {
    /** What a line turned out to be. */
    enum Verdict {
        /** A map, unmap or flush: the event is filled in. */
        EVENT,
        /** Any other line. */
        OTHER,
        /** A map or unmap event that cannot be read; {@link #complaint()} says why. */
        MALFORMED
    }

    /** Addresses end here: 57 bits are what five levels of page table express. */
    static final long ADDRESS_LIMIT = 1L << 57;

    private static final long OFFSET_IN_PAGE = 0xfff;

    private static final Word MAP = new Word("map:");
    private static final Word UNMAP = new Word("unmap:");
    private static final Word IOMMU = new Word("iommu:");
    private static final Word INTEL = new Word("intel_");
    private static final Word CACHE_TAG = new Word("cache_ta");
    private static final Word FLUSH = new Word("g_flush_");
    private static final Word RANGE = new Word("range");
    private static final Word NOT_PRESENT = new Word("_np");
    private static final Word COLON = new Word(":");
    private static final Word HEADING = new Word("IOMMU:");
    private static final Word IOVA = new Word("iova=0x");
    private static final Word TO = new Word("- 0x");
    private static final Word OUTPUT = new Word("paddr=0x");
    private static final Word UNMAPPED = new Word("unmapped");
    private static final Word SIZE = new Word("size=");
    private static final Word UNMAPPED_SIZE = new Word("_size=");
    private static final Word DOMAIN_ID = new Word(" did ");
    private static final Word FIRST = new Word(" [0x");
    private static final Word LAST = new Word("-0x");

    private final LineCursor cursor = new LineCursor();
    private final EventPrefix prefix = new EventPrefix();
    private final UnitNames units;
    private String complaint = "";

    EventParser(UnitNames units) {
        this.units = units;
    }

    /** Reads the current line into the event. */
    Verdict parse(TraceLines lines, TraceEvent event) {
        byte[] bytes = lines.bytes();
        int name = prefix.read(bytes, lines.start(), lines.end());
        if (name < 0) {
            cursor.moveTo(bytes, lines.start(), lines.end());
            return withoutPrefix();
        }
        cursor.moveTo(bytes, name, lines.end());
        event.line = lines.number();
        event.task = prefix.task();
        event.domain = TraceEvent.UNNAMED;
        cursor.accept(IOMMU);
        if (cursor.accept(MAP)) {
            return map(event);
        }
        if (cursor.accept(UNMAP)) {
            return unmap(event, lines.terminated());
        }
        return flush(event);
    }

    /** A line that does not begin as an event does, but holds one's text, was cut at its front. */
    private Verdict withoutPrefix() {
        while (cursor.find(HEADING)) {
            cursor.skipSpaces();
            if (cursor.accept(IOVA)) {
                return malformed("no time before the event");
            }
        }
        return Verdict.OTHER;
    }

    /** Why the line last parsed is malformed. */
    String complaint() {
        return complaint;
    }

    private Verdict map(TraceEvent event) {
        event.kind = TraceEvent.Kind.MAP;
        long end = range(event);
        if (end < 0) {
            return Verdict.MALFORMED;
        }
        if (!cursor.accept(OUTPUT)) {
            return malformed("no paddr=");
        }
        event.outputAddress = cursor.hexadecimal();
        cursor.skipSpaces();
        if (!size(event, end)) {
            return Verdict.MALFORMED;
        }
        if (isNoAddress(event.outputAddress, event.size)) {
            return malformed("paddr is not a whole number of 4 KiB pages below 2^57");
        }
        return lineEnd();
    }

    private Verdict unmap(TraceEvent event, boolean terminated) {
        event.kind = TraceEvent.Kind.UNMAP;
        long end = range(event);
        if (end < 0 || !size(event, end)) {
            return Verdict.MALFORMED;
        }
        cursor.skipSpaces();
        if (!(cursor.accept(UNMAPPED) && cursor.accept(UNMAPPED_SIZE))) {
            return malformed("no unmapped_size=");
        }
        event.unmappedSize = cursor.decimal();
        if (isNoAddress(event.iova, event.unmappedSize)) {
            return malformed(
                    "unmapped_size is not a whole number of 4 KiB pages that ends below 2^57");
        }
        // Nothing tells a number cut off at the end of a log from a smaller one, except that it is
        // unusual.
        if (!terminated && event.unmappedSize != event.size) {
            return malformed("the log ends inside this line");
        }
        return lineEnd();
    }

    private Verdict flush(TraceEvent event) {
        event.kind = TraceEvent.Kind.FLUSH;
        if (cursor.accept(INTEL)) {
            cursor.accept(IOMMU);
        }
        if (!cursor.accept(CACHE_TAG) || !cursor.accept(FLUSH) || !cursor.accept(RANGE)) {
            return Verdict.OTHER;
        }
        boolean notPresent = cursor.accept(NOT_PRESENT);
        event.usuallyFollows = notPresent ? TraceEvent.Kind.MAP : TraceEvent.Kind.UNMAP;
        if (!cursor.accept(COLON)) {
            return Verdict.OTHER;
        }
        cursor.skipSpaces();
        int unit = units.read(cursor);
        if (unit < 0 || !cursor.find(DOMAIN_ID)) {
            return Verdict.OTHER;
        }
        long id = cursor.decimal();
        if (id < 0 || id > 0xffff || !cursor.accept(FIRST)) {
            return Verdict.OTHER;
        }
        event.domain = UnitNames.domain(unit, (int) id);
        event.iova = cursor.hexadecimal();
        if (event.iova < 0 || !cursor.accept(LAST)) {
            return Verdict.OTHER;
        }
        long last = cursor.hexadecimal();
        // "-1" stands for a number of 2^63 or more here: the whole space.
        event.size = last < 0 ? Long.MAX_VALUE : last - event.iova + 1;
        return Verdict.EVENT;
    }

    /**
     * Reads up to the range's end; returns the end, 0 where an older kernel prints none, or -1 if
     * malformed.
     */
    private long range(TraceEvent event) {
        cursor.skipSpaces();
        cursor.accept(HEADING);
        cursor.skipSpaces();
        if (!cursor.accept(IOVA)) {
            malformed("no iova=0x");
            return -1;
        }
        event.iova = cursor.hexadecimal();
        cursor.skipSpaces();
        if (isNoAddress(event.iova, 0)) {
            malformed("iova is not a whole number of 4 KiB pages below 2^57");
            return -1;
        }
        if (!cursor.accept(TO)) {
            return 0;
        }
        long end = cursor.hexadecimal();
        cursor.skipSpaces();
        if (end < event.iova) {
            malformed("the range ends before it begins");
            return -1;
        }
        return end;
    }

    private boolean size(TraceEvent event, long end) {
        if (!cursor.accept(SIZE)) {
            malformed("no size=");
            return false;
        }
        event.size = cursor.decimal();
        if (isNoAddress(event.iova, event.size)) {
            malformed("size is not a whole number of 4 KiB pages that ends below 2^57");
            return false;
        }
        if (end != 0 && end != event.iova + event.size) {
            malformed("size and the range's end disagree");
            return false;
        }
        return true;
    }

    private static boolean isNoAddress(long address, long size) {
        return (address | size) < 0
                || ((address | size) & OFFSET_IN_PAGE) != 0
                || address > ADDRESS_LIMIT
                || size > ADDRESS_LIMIT - address;
    }

    /** What follows the last field is white space, or further fields after white space. */
    private Verdict lineEnd() {
        byte following = cursor.current();
        if (following == ' ' || cursor.atLineEnd()) {
            return Verdict.EVENT;
        }
        return malformed("unexpected text after the last number");
    }

    private Verdict malformed(String reason) {
        complaint = reason;
        return Verdict.MALFORMED;
    }
}
