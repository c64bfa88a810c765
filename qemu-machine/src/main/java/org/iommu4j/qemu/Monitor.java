package org.iommu4j.qemu;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.iommu4j.machine.MachineFailureException;

/*
 * Of the protocol's answers only this is looked at: whether a line begins as a result or as an error. What else comes, the
 * greeting and events, is passed over. QEMU ends a result's line when the command is done, and its socket when it ends.
 */

/**
 * A conversation with QEMU's monitor (QEMU Machine Protocol): one command after the other, each
 * waited for. Used by one thread.
 */
final class Monitor implements AutoCloseable {

    private static final String RESULT = "{\"return\":";
    private static final String ERROR = "{\"error\":";

    private final SocketChannel channel;
    private final BufferedReader answers;

    /**
     * Begins a conversation.
     *
     * @param socket where QEMU listens
     * @throws MachineFailureException if it does not answer
     */
    Monitor(Path socket) {
        try {
            this.channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            throw new MachineFailureException("no connection to QEMU's monitor", e);
        }
        this.answers = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
        try {
            execute("qmp_capabilities", "");
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /**
     * Executes a command, and waits until it is done.
     *
     * @param command its name
     * @param arguments its arguments, as members of a JSON object
     * @throws MachineFailureException if QEMU refuses it, or ends
     */
    void execute(String command, String arguments) {
        String line = "{\"execute\": \"" + command + "\", \"arguments\": {" + arguments + "}}\n";
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(line);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            String answer = answers.readLine();
            while (answer != null && !answer.startsWith(RESULT)) {
                if (answer.startsWith(ERROR)) {
                    throw new MachineFailureException("QEMU refuses " + command + ": " + answer);
                }
                answer = answers.readLine();
            }
            if (answer == null) {
                throw new MachineFailureException("QEMU ended during " + command);
            }
        } catch (IOException e) {
            throw new MachineFailureException("QEMU does not answer to " + command, e);
        }
    }

    /** {@return a text as JSON writes it} */
    static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        text.chars()
                .forEach(c -> {
                    if (c == '"' || c == '\\' || c < ' ') {
                        json.append(String.format("\\u%04x", c));
                    } else {
                        json.append((char) c);
                    }
                });
        return json.append('"').toString();
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
