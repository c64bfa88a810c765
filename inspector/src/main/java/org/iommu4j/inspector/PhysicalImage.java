package org.iommu4j.inspector;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.iommu4j.machine.PhysicalMemory;

/**
 * The physical memory of a machine in a file: raw, an ELF core as {@code dump-guest-memory} and
 * {@code virsh dump} write it, or LiME; each as it is, or packed by xz or gzip.
 *
 * <p>The file is mapped and never read as a whole; it may be much larger than memory. A packed one
 * is unpacked into a temporary file first, in which zeros take no room, and which is deleted on
 * {@link #close()}. Any thread may read; none may when the image is closed.
 */
public final class PhysicalImage implements PhysicalView, AutoCloseable {

    private static final ValueLayout.OfLong WORD =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Arena arena;
    private final MemorySegment file;
    private final String format;
    private final Ranges ranges;
    private final List<String> notes;

    private PhysicalImage(Arena arena, MemorySegment file, boolean packed) {
        this.arena = arena;
        this.file = file;
        this.notes = new ArrayList<>();
        ImageFormat recognized = ImageFormat.of(file);
        this.format = recognized.words() + (packed ? ", unpacked" : "");
        this.ranges = new Ranges(recognized.pieces(file, notes));
        if (ranges.overlapped()) {
            notes.add("segments of the file overlap; of each byte the first one counts");
        }
        if (ranges.bytes() == 0) {
            throw new ImageException("it holds no physical memory");
        }
    }

    /**
     * Opens an image; what it is is told by its first bytes, not by its name.
     *
     * @param path the file
     * @param progress hears how far unpacking has come
     * @return the image
     * @throws ImageException if there is no such file, or it cannot be read as an image; nothing is
     *     left behind
     */
    public static PhysicalImage open(Path path, Progress progress) {
        try {
            return mapped(path, progress);
        } catch (NoSuchFileException e) {
            throw new ImageException("there is no file " + path, e);
        } catch (IOException e) {
            String message = e.getMessage();
            throw new ImageException(
                    "cannot read " + path + ": " + (message == null ? e : message), e);
        } catch (ImageException e) {
            throw new ImageException("cannot read " + path + ": " + e.getMessage(), e);
        }
    }

    private static PhysicalImage mapped(Path path, Progress progress) throws IOException {
        if (Files.isDirectory(path)) {
            throw new ImageException("it is a directory; an image file was expected");
        }
        boolean packed = PackedFile.isPacked(path);
        Path plain = packed ? PackedFile.unpack(path, progress) : path;
        Arena arena = newArena();
        try (FileChannel channel = FileChannel.open(plain, StandardOpenOption.READ)) {
            if (channel.size() == 0) {
                throw new ImageException("it is empty");
            }
            MemorySegment file = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
            return new PhysicalImage(arena, file, packed);
        } catch (IOException | RuntimeException e) {
            arena.close();
            throw e;
        } finally {
            if (packed) {
                Files.delete(plain); // its mapping keeps the content until the image is closed
            }
        }
    }

    @SuppressWarnings("MustBeClosedChecker") // closed with the image, or when there will be none
    private static Arena newArena() {
        return Arena.ofShared();
    }

    /** {@return what kind of file it is, in words} */
    public String format() {
        return format;
    }

    /** {@return how many bytes of physical memory it holds} */
    public long bytes() {
        return ranges.bytes();
    }

    /** {@return what was noticed about the file itself, such as that it is cut off} */
    public List<String> notes() {
        return List.copyOf(notes);
    }

    @Override
    public boolean holds(long address, long bytes) {
        return ranges.offset(address, bytes) >= 0;
    }

    @Override
    public long load(long address) {
        return file.get(WORD, offset(address, Long.BYTES));
    }

    @Override
    public void page(long page, long[] words) {
        long offset = offset(page, PhysicalMemory.PAGE_SIZE);
        MemorySegment.copy(file, WORD, offset, words, 0, PhysicalMemory.PAGE_SIZE / Long.BYTES);
    }

    @Override
    public long nextPage(long from) {
        return ranges.nextPage(from);
    }

    @Override
    public String extent() {
        return ranges.extent();
    }

    /** Ends the mapping. */
    @Override
    public void close() {
        arena.close();
    }

    private long offset(long address, long bytes) {
        long offset = ranges.offset(address, bytes);
        if (offset < 0) {
            throw new IndexOutOfBoundsException(
                    "physical address "
                            + Hex.of(address)
                            + " is not in the image, which holds "
                            + ranges.extent());
        }
        return offset;
    }
}
