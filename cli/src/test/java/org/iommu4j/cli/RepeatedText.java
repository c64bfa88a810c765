package org.iommu4j.cli;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** A text again and again, as a trace of any length that takes no memory. */
class RepeatedText extends InputStream {
    private final byte[] text;
    private final long times;
    private long done;
    private int at;

    RepeatedText(String text, long times) {
        this.text = text.getBytes(StandardCharsets.UTF_8);
        this.times = times;
    }

    /** How often the whole text was read. */
    long done() {
        return done;
    }

    @Override
    public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
        if (done == times) {
            return -1;
        }
        int count = Math.min(length, text.length - at);
        System.arraycopy(text, at, into, offset, count);
        at += count;
        if (at == text.length) {
            at = 0;
            done++;
        }
        return count;
    }
}
