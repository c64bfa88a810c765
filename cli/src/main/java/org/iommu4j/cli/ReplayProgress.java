package org.iommu4j.cli;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.Optional;
import java.util.function.LongConsumer;
import me.tongfei.progressbar.ProgressBar;

/**
 * Shows how much of a trace has been read, once that has taken two seconds, and only to somebody
 * who watches.
 */
final class ReplayProgress implements LongConsumer, AutoCloseable {
    private static final long DELAY = TerminalBar.SHORT.toNanos();

    private final boolean shown;
    private final PrintStream err;
    private final CountingStream stored;
    private final long storedBytes;
    private final long start = System.nanoTime();
    private Optional<ProgressBar> bar = Optional.empty();

    /**
     * Watches a trace being read.
     *
     * @param streams where the bar goes
     * @param stored the trace as it is stored
     * @param storedBytes its length, 0 if not known
     */
    ReplayProgress(Streams streams, InputStream stored, long storedBytes) {
        this.shown = streams.terminal();
        this.err = streams.err();
        this.stored = new CountingStream(stored);
        this.storedBytes = storedBytes;
    }

    /** What to read the trace from, so that this sees it. */
    InputStream stream() {
        return stored;
    }

    @Override
    public void accept(long events) {
        if (!shown || System.nanoTime() - start < DELAY) {
            return;
        }
        if (bar.isEmpty()) {
            bar = Optional.of(TerminalBar.open(err, "replay", storedBytes, " MiB", 1 << 20));
        }
        bar.get().setExtraMessage(events + " events");
        bar.get().stepTo(stored.count);
    }

    @Override
    public void close() {
        bar.ifPresent(ProgressBar::close);
    }

    private static final class CountingStream extends FilterInputStream {
        private long count;

        CountingStream(InputStream in) {
            super(in);
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
