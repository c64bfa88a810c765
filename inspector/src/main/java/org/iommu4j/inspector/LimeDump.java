package org.iommu4j.inspector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.iommu4j.inspector.Ranges.Piece;

/**
 * A dump by the Linux Memory Extractor: ranges one behind the other, each with a header of 32 bytes
 * (magic, version, first and last physical address), in any order and with any gaps. LiME's
 * "padded" format has no headers: it is a raw image.
 */
final class LimeDump {
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int MAGIC = 0x4c694d45;
    private static final int HEADER = 32;
    private static final int MAX_RANGES = 1 << 16;

    private LimeDump() {}

    static List<Piece> pieces(MemorySegment file, List<String> notes) {
        List<Piece> pieces = new ArrayList<>();
        long at = 0;
        while (at < file.byteSize()) {
            if (file.byteSize() - at < HEADER || pieces.size() == MAX_RANGES) {
                notes.add("what begins at offset " + Hex.of(at) + " was left out");
                break;
            }
            if (file.get(INT, at) != MAGIC && !pieces.isEmpty()) {
                notes.add(
                        "what begins at offset "
                                + Hex.of(at)
                                + " is no LiME header, and was left out");
                break;
            }
            long start = file.get(LONG, at + 8);
            long bytes = file.get(LONG, at + 16) - start + 1;
            if (file.get(INT, at) != MAGIC || file.get(INT, at + 4) != 1) {
                throw new ImageException(
                        "at offset " + Hex.of(at) + " a LiME header of version 1 was expected");
            }
            if (start < 0 || bytes <= 0 || start > ImageFormat.MAX_ADDRESS - bytes) {
                throw new ImageException(
                        "at offset "
                                + Hex.of(at)
                                + " a LiME header names the range "
                                + Hex.of(start)
                                + " to "
                                + Hex.of(start + bytes - 1)
                                + ", which is not possible");
            }
            long there = Math.min(bytes, file.byteSize() - at - HEADER);
            if (there < bytes) {
                notes.add("the file is cut off inside " + Hex.range(start, start + bytes));
            }
            if (there > 0) {
                pieces.add(new Piece(start, there, at + HEADER));
            }
            at += HEADER + bytes;
        }
        return pieces;
    }
}
