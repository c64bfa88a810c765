package org.iommu4j.qemu;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.iommu4j.machine.MachineFailureException;

/*
 * QEMU must end when this process does, however it does. Nothing that QEMU 7.2 has makes it so. The shell that becomes QEMU
 * leaves a child behind that reads a pipe nobody ever writes to: its end is our end, and then the child kills its parent,
 * if that still is the one it was born with.
 */

/** One QEMU process, from its start to its end. */
final class QemuProcess {

    private static final String START =
            """
            exec 3<&0
            ( exec >/dev/null 2>&1 </dev/null
              read -r _ <&3
              read -r _ _ _ parent _ </proc/self/stat
              [ "$parent" = $$ ] && kill -9 $$ ) &
            exec "$@" 3<&- </dev/null
            """;
    private static final Duration END = Duration.ofSeconds(10);
    private static final int SIGNALLED = 128;

    private final Process process;
    private final Console console;

    private QemuProcess(Process process) {
        this.process = process;
        this.console = new Console(process.getErrorStream());
    }

    /**
     * Starts QEMU.
     *
     * @param command the program and its arguments
     * @return the process
     * @throws MachineFailureException if the system starts no process
     */
    static QemuProcess start(List<String> command) {
        List<String> line = new ArrayList<>(List.of("/bin/sh", "-c", START, "iommu4j"));
        line.addAll(command);
        try {
            return new QemuProcess(
                    new ProcessBuilder(line)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start());
        } catch (IOException e) {
            throw new MachineFailureException(
                    "QEMU could not be started: " + e.getMessage() + "; the command was " + command,
                    e);
        }
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    Console console() {
        return console;
    }

    /**
     * {@return what became of it, with its last messages; waits a moment for one that is ending}
     */
    String state() {
        waitFor(Duration.ofMillis(500));
        String said = console.lastMessages();
        return "QEMU (process "
                + pid()
                + ") "
                + (isAlive() ? "still runs" : "ended with exit code " + code())
                + (said.isEmpty() ? ", and said nothing" : ", and said: " + said);
    }

    /** Ends it, and waits until it has ended. Idempotent. */
    void end() {
        process.destroyForcibly();
        waitFor(END);
    }

    private String code() {
        int code = process.exitValue();
        return code > SIGNALLED ? code + " (signal " + (code - SIGNALLED) + ")" : "" + code;
    }

    private void waitFor(Duration longest) {
        boolean interrupted = Thread.interrupted();
        try {
            if (!process.waitFor(longest.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
