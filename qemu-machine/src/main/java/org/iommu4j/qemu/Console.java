package org.iommu4j.qemu;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.machine.DmaOutcome;

/*
 * QEMU writes a line for each request that its unit blocks, when it blocks it, which is before it answers the command that
 * caused the request. So whoever has the answer finds every line of the command here. A real device would not be told; but
 * a device that could not tell whether its own DMA was blocked could not be used to judge anything.
 *
 * A request that was blocked, or went to where no memory is, is also noted as an access to nothing. Alone, without a line of
 * the unit, that says that the unit recorded no fault: QEMU does so where it has cached a translation that lacks the
 * permission.
 */

/** What QEMU writes to its standard error: messages, and a trace of blocked requests. */
final class Console {

    private static final Logger LOG = LogManager.getLogger(Console.class);
    private static final Pattern BLOCKED =
            Pattern.compile(
                    "vtd_dmar_fault sid 0x(\\p{XDigit}+) fault (\\d+) addr 0x(\\p{XDigit}+) write"
                            + " (\\d)");
    private static final Pattern NOTHING_THERE =
            Pattern.compile("Invalid (read|write) at addr 0x(\\p{XDigit}+),");
    private static final int MOST_KEPT = 1 << 16;
    private static final int LAST_LINES = 8;

    /** The options that make QEMU write what {@link #takeBlocked} is made of. */
    static final List<String> OPTIONS = List.of("-trace", "vtd_dmar_fault", "-d", "guest_errors");

    private final InputStream stream;
    private final StringBuilder line = new StringBuilder();
    private final Deque<String> lastLines = new ArrayDeque<>();
    private List<BlockedRequest> blocked = List.of();

    Console(InputStream stream) {
        this.stream = stream;
    }

    /** Reads what is there, and does not wait for more. */
    synchronized void read() {
        try {
            for (int there = stream.available(); there > 0; there = stream.available()) {
                take(new String(stream.readNBytes(there), StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            LOG.debug("QEMU's standard error is closed", e);
        }
    }

    /** {@return the requests that were blocked since the last call; the first 65,536 of them} */
    synchronized List<BlockedRequest> takeBlocked() {
        List<BlockedRequest> taken = blocked;
        blocked = List.of();
        return taken;
    }

    /** {@return the last few messages, one a line} */
    synchronized String lastMessages() {
        read();
        if (!line.isEmpty()) {
            end();
        }
        return String.join("\n", lastLines);
    }

    private void take(String text) {
        for (int i = 0; i < text.length(); i++) {
            char next = text.charAt(i);
            if (next == '\n') {
                end();
            } else {
                line.append(next);
            }
        }
    }

    private void end() {
        String whole = line.toString();
        line.setLength(0);
        Matcher fault = BLOCKED.matcher(whole);
        if (fault.find()) {
            note(
                    Long.parseUnsignedLong(fault.group(3), 16),
                    Integer.parseInt(fault.group(2)),
                    fault.group(4).equals("1"));
            return;
        }
        Matcher nothing = NOTHING_THERE.matcher(whole);
        if (nothing.find()) {
            note(
                    Long.parseUnsignedLong(nothing.group(2), 16),
                    DmaOutcome.UNKNOWN,
                    nothing.group(1).equals("write"));
        } else {
            LOG.debug("QEMU: {}", whole);
            lastLines.addLast(whole);
            if (lastLines.size() > LAST_LINES) {
                lastLines.removeFirst();
            }
        }
    }

    private void note(long iova, int reason, boolean write) {
        if (blocked.isEmpty()) {
            blocked = new ArrayList<>();
        }
        if (blocked.size() < MOST_KEPT) {
            blocked.add(new BlockedRequest(iova, reason, write));
        }
    }
}
