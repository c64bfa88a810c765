package org.iommu4j.inspector;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Which physical addresses a file holds, and where: a sorted list without overlaps, searched at
 * every access.
 */
final class Ranges {
    private static final int PAGE = 4096;
    private static final int SHOWN = 4;

    private final long[] starts;
    private final long[] ends;
    private final long[] offsets;
    private final boolean overlapped;

    /**
     * A piece of physical memory in a file.
     *
     * @param start physical address of its first byte
     * @param bytes its size
     * @param offset where it begins in the file
     */
    record Piece(long start, long bytes, long offset) {}

    /** Puts pieces in order; of bytes that several hold, the piece that begins first wins. */
    Ranges(List<Piece> pieces) {
        List<Piece> sorted = new ArrayList<>(pieces);
        sorted.sort(Comparator.comparingLong(Piece::start));
        List<Piece> apart = new ArrayList<>();
        long end = 0;
        boolean cut = false;
        for (Piece piece : sorted) {
            long skip = Math.max(0, end - piece.start());
            cut |= skip > 0;
            if (skip < piece.bytes()) {
                apart.add(
                        new Piece(
                                piece.start() + skip, piece.bytes() - skip, piece.offset() + skip));
                end = piece.start() + piece.bytes();
            }
        }
        starts = apart.stream().mapToLong(Piece::start).toArray();
        ends = apart.stream().mapToLong(piece -> piece.start() + piece.bytes()).toArray();
        offsets = apart.stream().mapToLong(Piece::offset).toArray();
        overlapped = cut;
    }

    /** Whether pieces overlapped. */
    boolean overlapped() {
        return overlapped;
    }

    /** Where a byte stands in the file, if it and the ones behind it are in one piece; or -1. */
    long offset(long address, long bytes) {
        int at = pieceOf(address);
        if (at < 0 || bytes > ends[at] - address) {
            return -1;
        }
        return offsets[at] + (address - starts[at]);
    }

    /** As of {@link PhysicalView#nextPage}. */
    long nextPage(long from) {
        long page = pageAtOrAbove(from);
        for (int at = Math.max(0, below(page)); at < starts.length && page >= 0; at++) {
            page = Math.max(page, pageAtOrAbove(starts[at]));
            if (page >= 0 && page <= ends[at] - PAGE) {
                return page;
            }
        }
        return PhysicalView.NONE;
    }

    /** How many bytes there are. */
    long bytes() {
        long sum = 0;
        for (int i = 0; i < starts.length; i++) {
            sum += ends[i] - starts[i];
        }
        return sum;
    }

    /** The first few, in words. */
    String extent() {
        List<String> words = new ArrayList<>();
        for (int i = 0; i < Math.min(starts.length, SHOWN); i++) {
            words.add(Hex.range(starts[i], ends[i]));
        }
        int more = starts.length - words.size();
        if (more > 0) {
            words.add(more + " more up to " + Hex.of(ends[starts.length - 1]));
        }
        return words.isEmpty() ? "nothing" : String.join(", ", words);
    }

    static long pageAtOrAbove(long address) {
        return (address + PAGE - 1) & -PAGE;
    }

    private int pieceOf(long address) {
        int at = below(address);
        return at >= 0 && address < ends[at] ? at : -1;
    }

    /** The last piece that begins at or below an address, or -1. */
    private int below(long address) {
        int low = 0;
        int high = starts.length;
        while (low < high) {
            int middle = low + high >>> 1;
            if (starts[middle] <= address) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }
}
