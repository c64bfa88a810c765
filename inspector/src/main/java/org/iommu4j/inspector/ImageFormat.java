package org.iommu4j.inspector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.iommu4j.inspector.Ranges.Piece;

/** How a file says which physical addresses its bytes are. */
enum ImageFormat {
    /** Nothing but memory: the offset in the file is the physical address. */
    RAW("raw") {
        @Override
        List<Piece> pieces(MemorySegment file, List<String> notes) {
            return List.of(new Piece(0, file.byteSize(), 0));
        }
    },
    /** Program headers that name physical addresses. */
    ELF_CORE("ELF core") {
        @Override
        List<Piece> pieces(MemorySegment file, List<String> notes) {
            return new ElfCore(file, notes).pieces();
        }
    },
    /** Ranges of memory, each behind a header of its own. */
    LIME("LiME") {
        @Override
        List<Piece> pieces(MemorySegment file, List<String> notes) {
            return LimeDump.pieces(file, notes);
        }
    };

    /** The largest physical address that any of these may name. */
    static final long MAX_ADDRESS = 1L << 57;

    private static final int ELF_MAGIC = 0x464c457f;
    private static final int LIME_MAGIC = 0x4c694d45;
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String words;

    ImageFormat(String words) {
        this.words = words;
    }

    String words() {
        return words;
    }

    /**
     * Where the physical memory is in a file of this format.
     *
     * @throws ImageException if the file is not well-formed
     */
    abstract List<Piece> pieces(MemorySegment file, List<String> notes);

    /** Tells the format by the first bytes. */
    static ImageFormat of(MemorySegment file) {
        refuseKnownOthers(file);
        int magic = file.byteSize() < Integer.BYTES ? 0 : file.get(INT, 0);
        return switch (magic) {
            case ELF_MAGIC -> ELF_CORE;
            case LIME_MAGIC -> LIME;
            default -> RAW;
        };
    }

    private static void refuseKnownOthers(MemorySegment file) {
        if (beginsWith(file, "KDUMP   ") || beginsWith(file, "makedumpfile")) {
            throw new ImageException(
                    "it is a kdump-compressed dump; write an ELF core instead (dump-guest-memory"
                            + " without -z, -l, -s; virsh dump --memory-only --format=elf;"
                            + " makedumpfile -E)");
        }
        if (beginsWith(file, "AVML")) {
            throw new ImageException(
                    "it is a compressed AVML dump; avml-convert makes a LiME dump of it");
        }
        if (beginsWith(file, "QEVM") || beginsWith(file, "LibvirtQemudSave")) {
            throw new ImageException(
                    "it is a saved or migrated guest, in which memory is not laid out by address; take"
                            + " a dump with dump-guest-memory or virsh dump --memory-only");
        }
    }

    private static boolean beginsWith(MemorySegment file, String text) {
        byte[] magic = text.getBytes(StandardCharsets.US_ASCII);
        return file.byteSize() >= magic.length
                && file.asSlice(0, magic.length).mismatch(MemorySegment.ofArray(magic)) < 0;
    }
}
