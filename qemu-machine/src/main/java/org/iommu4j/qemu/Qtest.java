package org.iommu4j.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.iommu4j.machine.MachineFailureException;
import org.jspecify.annotations.Nullable;

/*
 * Channels that block close themselves when their thread is interrupted, and a driver does interrupt threads; so this one
 * does not block, and an interrupt that comes while waiting is kept for later.
 *
 * While QEMU works on a long command it may have more to say on its standard error than a pipe holds: it is read meanwhile.
 */

/**
 * The connection to QEMU's qtest server: commands in order, an answer to each. Several threads may
 * use it; one batch is sent and answered at a time, in the order in which they were asked for.
 */
final class Qtest implements AutoCloseable {

    private static final long SLICE_MILLIS = 1;
    private static final String DONE = "OK";
    private static final String INTERRUPT = "IRQ ";

    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    private final QemuProcess process;
    private final Duration patience;
    private final ReentrantLock lock = new ReentrantLock(true);
    private final ByteBuffer input = ByteBuffer.allocateDirect(1 << 16);
    private final StringBuilder line = new StringBuilder();
    private int awaited;
    private long value;
    private @Nullable MachineFailureException failure;

    /**
     * What came of a batch.
     *
     * @param value what the last command that reads has read; 0 if there was none
     * @param blocked the requests that the unit blocked meanwhile
     */
    record Answer(long value, List<BlockedRequest> blocked) {}

    /**
     * Begins to talk.
     *
     * @param channel the connection
     * @param process who is at the other end
     * @param patience how long it may take to answer
     * @throws IOException if the system refuses
     */
    Qtest(SocketChannel channel, QemuProcess process, Duration patience) throws IOException {
        this.channel = channel;
        this.process = process;
        this.patience = patience;
        this.selector = Selector.open();
        channel.configureBlocking(false);
        this.key = channel.register(selector, SelectionKey.OP_READ);
    }

    /**
     * Sends commands, and waits until they are done.
     *
     * @param batch the commands
     * @return what came of them
     * @throws MachineFailureException if QEMU refused one, does not answer, has ended, or did so
     *     before
     */
    Answer run(Batch batch) {
        lock.lock();
        try {
            if (failure != null) {
                throw new MachineFailureException(String.valueOf(failure.getMessage()), failure);
            }
            exchange(batch);
            process.console().read();
            return new Answer(value, process.console().takeBlocked());
        } catch (IOException e) {
            throw fail(batch, "the connection to QEMU broke", e);
        } finally {
            lock.unlock();
        }
    }

    /** Ends the connection; whoever uses it from now on is told so. Idempotent. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (failure == null) {
                failure = new MachineFailureException("the machine is closed");
            }
            selector.close();
            channel.close();
        } catch (IOException e) {
            throw new MachineFailureException("the connection to QEMU could not be closed", e);
        } finally {
            lock.unlock();
        }
    }

    private void exchange(Batch batch) throws IOException {
        ByteBuffer output = batch.bytes();
        awaited = batch.commands();
        value = 0;
        boolean interrupted = Thread.interrupted();
        long since = System.nanoTime();
        try {
            while (awaited > 0) {
                if (output.hasRemaining() && channel.write(output) > 0) {
                    since = System.nanoTime();
                }
                key.interestOps(
                        output.hasRemaining()
                                ? SelectionKey.OP_READ | SelectionKey.OP_WRITE
                                : SelectionKey.OP_READ);
                selector.select(SLICE_MILLIS);
                selector.selectedKeys().clear();
                interrupted |= Thread.interrupted();
                if (takeAnswers(batch)) {
                    since = System.nanoTime();
                } else if (System.nanoTime() - since > patience.toNanos()) {
                    throw fail(
                            batch, "QEMU did not answer for " + patience.toMillis() + " ms", null);
                } else {
                    process.console().read();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private boolean takeAnswers(Batch batch) throws IOException {
        input.clear();
        int count = channel.read(input);
        if (count < 0) {
            throw fail(batch, "QEMU closed the connection", null);
        }
        input.flip();
        while (input.hasRemaining()) {
            char next = (char) (input.get() & 0xff);
            if (next == '\n') {
                takeAnswer(batch);
            } else {
                line.append(next);
            }
        }
        return count > 0;
    }

    private void takeAnswer(Batch batch) {
        int from = DONE.length() + " 0x".length();
        if (line.indexOf(DONE) == 0) {
            awaited--;
            if (line.length() > from) {
                value = Long.parseUnsignedLong(line, from, line.length(), 16);
            }
        } else if (line.indexOf(INTERRUPT) != 0) {
            throw fail(batch, "QEMU answered \"" + line + "\"", null);
        }
        line.setLength(0);
    }

    private MachineFailureException fail(Batch batch, String what, @Nullable Exception cause) {
        String message = what + ", asked for " + batch + "; " + process.state();
        failure =
                cause == null
                        ? new MachineFailureException(message)
                        : new MachineFailureException(message, cause);
        process.end();
        return failure;
    }
}
