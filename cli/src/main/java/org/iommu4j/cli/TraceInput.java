package org.iommu4j.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.util.zip.GZIPInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * Opens the bytes of a trace whatever it is packed in, told by its first bytes and not by its name,
 * since standard input has none. Decompression is a stream too.
 */
final class TraceInput {
    private static final byte[] XZ = {(byte) 0xfd, '7', 'z', 'X', 'Z', 0};
    private static final byte[] GZIP = {0x1f, (byte) 0x8b};
    private static final int BUFFER = 1 << 16;

    /**
     * The largest dictionary a standard preset uses is 64 MiB; a file that asks for more than this
     * is refused.
     */
    private static final int XZ_MEMORY_KIB = 256 * 1024;

    private TraceInput() {}

    /** The text in this stream, decompressed if it is .xz or .gz. Closing it closes the stream. */
    static InputStream open(InputStream raw) throws IOException {
        byte[] magic = raw.readNBytes(XZ.length);
        PushbackInputStream whole = new PushbackInputStream(raw, XZ.length);
        whole.unread(magic);
        if (startsWith(magic, XZ)) {
            return new XZInputStream(whole, XZ_MEMORY_KIB);
        }
        return startsWith(magic, GZIP) ? new GZIPInputStream(whole, BUFFER) : whole;
    }

    private static boolean startsWith(byte[] bytes, byte[] magic) {
        if (bytes.length < magic.length) {
            return false;
        }
        for (int i = 0; i < magic.length; i++) {
            if (bytes[i] != magic[i]) {
                return false;
            }
        }
        return true;
    }
}
