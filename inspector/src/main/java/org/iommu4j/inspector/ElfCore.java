package org.iommu4j.inspector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.iommu4j.inspector.Ranges.Piece;

/**
 * The program headers of an ELF core, of which each PT_LOAD names a piece of physical memory by
 * {@code p_paddr}. 64-bit and 32-bit cores are read, of little-endian machines.
 */
final class ElfCore {
    private static final ValueLayout.OfShort HALF =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt WORD =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int CLASS = 4;
    private static final int DATA = 5;
    private static final int TYPE = 16;
    private static final int CORE = 4;
    private static final int LOAD = 1;

    /** In {@code e_phnum}: the count stands in the first section header instead. */
    private static final int COUNT_ELSEWHERE = 0xffff;

    private static final long MAX_HEADERS = 1 << 20;

    private final MemorySegment file;
    private final List<String> notes;
    private final boolean wide;

    ElfCore(MemorySegment file, List<String> notes) {
        this.file = file;
        this.notes = notes;
        this.wide = is64Bit();
        int type = half(TYPE);
        if (type != CORE) {
            throw new ImageException("it is an ELF file of type " + type + "; a core is type 4");
        }
    }

    /** Where its physical memory is. */
    List<Piece> pieces() {
        long headers = wide ? word8(0x20) : word4(0x1c);
        int entrySize = half(wide ? 0x36 : 0x2a);
        int legal = wide ? 56 : 32;
        if (entrySize != legal) {
            throw new ImageException(
                    "its program headers are "
                            + entrySize
                            + " bytes each; "
                            + legal
                            + " are legal");
        }
        long count = count();
        if (headers < 0 || headers > file.byteSize() - count * entrySize) {
            throw new ImageException(
                    "its "
                            + count
                            + " program headers at offset "
                            + Hex.of(headers)
                            + " reach past the end of the file at "
                            + Hex.of(file.byteSize()));
        }
        List<Piece> pieces = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            long header = headers + i * entrySize;
            if (word4(header) == LOAD) {
                add(header, pieces);
            }
        }
        if (pieces.isEmpty()) {
            throw new ImageException("it is an ELF core without any memory (no PT_LOAD segment)");
        }
        return pieces;
    }

    private void add(long header, List<Piece> pieces) {
        long offset = wide ? word8(header + 0x08) : word4(header + 0x04);
        long address = wide ? word8(header + 0x18) : word4(header + 0x0c);
        long bytes = wide ? word8(header + 0x20) : word4(header + 0x10);
        if (bytes == 0) {
            return;
        }
        if (offset < 0
                || bytes < 0
                || address < 0
                || address > ImageFormat.MAX_ADDRESS
                || bytes > ImageFormat.MAX_ADDRESS - address) {
            notes.add(
                    "a segment of "
                            + Hex.of(bytes)
                            + " bytes at physical address "
                            + Hex.of(address)
                            + " and offset "
                            + Hex.of(offset)
                            + " is not possible and was left out");
            return;
        }
        long there = Math.min(bytes, file.byteSize() - offset);
        if (there < bytes) {
            notes.add(
                    "the file is cut off: of the segment "
                            + Hex.range(address, address + bytes)
                            + " it holds "
                            + Hex.of(Math.max(0, there))
                            + " bytes");
        }
        if (there > 0) {
            pieces.add(new Piece(address, there, offset));
        }
    }

    private long count() {
        int count = half(wide ? 0x38 : 0x2c);
        if (count != COUNT_ELSEWHERE) {
            return count;
        }
        long section = wide ? word8(0x28) : word4(0x20);
        long many = word4(section + (wide ? 0x2c : 0x1c));
        if (many > MAX_HEADERS) {
            throw new ImageException(
                    "it says it has " + many + " program headers; " + MAX_HEADERS + " are legal");
        }
        return many;
    }

    private boolean is64Bit() {
        int width = file.get(ValueLayout.JAVA_BYTE, check(CLASS, 1));
        int order = file.get(ValueLayout.JAVA_BYTE, check(DATA, 1));
        if (order != 1 || width < 1 || width > 2) {
            throw new ImageException(
                    "it is an ELF file of class "
                            + width
                            + " and byte order "
                            + order
                            + "; little-endian (1) of 32 or 64 bits (1, 2) is legal");
        }
        return width == 2;
    }

    private int half(long offset) {
        return Short.toUnsignedInt(file.get(HALF, check(offset, Short.BYTES)));
    }

    private long word4(long offset) {
        return Integer.toUnsignedLong(file.get(WORD, check(offset, Integer.BYTES)));
    }

    private long word8(long offset) {
        return file.get(LONG, check(offset, Long.BYTES));
    }

    private long check(long offset, int bytes) {
        if (offset < 0 || offset > file.byteSize() - bytes) {
            throw new ImageException(
                    "its headers end at "
                            + Hex.of(file.byteSize())
                            + ", the end of the file; something was expected at "
                            + Hex.of(offset));
        }
        return offset;
    }
}
