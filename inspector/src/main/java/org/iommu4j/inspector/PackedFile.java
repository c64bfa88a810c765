package org.iommu4j.inspector;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * Unpacks an image that xz or gzip has packed, into a temporary file in which blocks of zeros take
 * no room.
 */
final class PackedFile {
    private static final byte[] XZ = {(byte) 0xfd, '7', 'z', 'X', 'Z', 0};
    private static final byte[] GZIP = {0x1f, (byte) 0x8b};

    /** More than the 64 MiB that the strongest preset needs; what asks for more is refused. */
    private static final int XZ_MEMORY_KIB = 256 * 1024;

    private static final int BLOCK = 1 << 16;

    private PackedFile() {}

    /** Whether a file begins as one of the two does. */
    static boolean isPacked(Path path) throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            byte[] magic = in.readNBytes(XZ.length);
            return Arrays.equals(magic, XZ) || isGzip(magic);
        }
    }

    /** Unpacks into a new temporary file, which is deleted again if that fails. */
    static Path unpack(Path path, Progress progress) throws IOException {
        Path plain = Files.createTempFile("iommu4j-", ".image");
        plain.toFile().deleteOnExit(); // should somebody stop the process while it unpacks
        try (CountingStream stored = new CountingStream(Files.newInputStream(path));
                InputStream content = content(stored);
                FileChannel out =
                        FileChannel.open(
                                plain,
                                StandardOpenOption.WRITE,
                                StandardOpenOption.TRUNCATE_EXISTING,
                                StandardOpenOption.SPARSE)) {
            copy(content, out, stored, Files.size(path), progress);
            return plain;
        } catch (EOFException e) {
            Files.delete(plain);
            throw new IOException("the packed file is cut off", e);
        } catch (IOException | RuntimeException e) {
            Files.delete(plain);
            throw e;
        }
    }

    private static InputStream content(InputStream stored) throws IOException {
        stored.mark(XZ.length);
        byte[] magic = stored.readNBytes(XZ.length);
        stored.reset();
        return isGzip(magic)
                ? new GZIPInputStream(stored, BLOCK)
                : new XZInputStream(stored, XZ_MEMORY_KIB);
    }

    private static void copy(
            InputStream content,
            FileChannel out,
            CountingStream stored,
            long storedBytes,
            Progress progress)
            throws IOException {
        byte[] block = new byte[BLOCK];
        byte[] zeros = new byte[BLOCK];
        long at = 0;
        for (int read = content.readNBytes(block, 0, BLOCK);
                read > 0;
                read = content.readNBytes(block, 0, BLOCK)) {
            if (!Arrays.equals(block, 0, read, zeros, 0, read)) {
                writeAll(out, ByteBuffer.wrap(block, 0, read), at);
            }
            at += read;
            progress.at("decompress", stored.count, storedBytes);
        }
        if (at > out.size()) {
            writeAll(out, ByteBuffer.allocate(1), at - 1); // zeros at the end count too
        }
    }

    private static void writeAll(FileChannel out, ByteBuffer bytes, long at) throws IOException {
        long to = at;
        while (bytes.hasRemaining()) {
            to += out.write(bytes, to);
        }
    }

    private static boolean isGzip(byte[] magic) {
        return magic.length >= GZIP.length && magic[0] == GZIP[0] && magic[1] == GZIP[1];
    }

    private static final class CountingStream extends FilterInputStream {
        private long count;

        CountingStream(InputStream in) {
            super(new BufferedInputStream(in, BLOCK));
        }

        @Override
        public int read() throws IOException {
            int value = super.read();
            count += value < 0 ? 0 : 1;
            return value;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            count += Math.max(read, 0);
            return read;
        }
    }
}
