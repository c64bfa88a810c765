package org.iommu4j.qemu;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.iommu4j.machine.MachineFailureException;

/**
 * A QEMU that is installed.
 *
 * @param program the path to it
 * @param major the first number of its version
 * @param minor the second
 */
record Installation(Path program, int major, int minor) {

    private static final Pattern VERSION = Pattern.compile("QEMU emulator version (\\d+)\\.(\\d+)");
    private static final int LEAST_MAJOR = 7;
    private static final int LEAST_MINOR = 2;
    private static final int ANSWER_SECONDS = 20;

    /**
     * Finds a QEMU that can be used.
     *
     * @param binary its name, looked for on PATH, or a path to it
     * @return the QEMU
     * @throws MachineFailureException if there is none, or it is too old
     */
    static Installation find(String binary) {
        Path program =
                locate(binary)
                        .orElseThrow(() ->
                                new MachineFailureException(
                                        "no QEMU: "
                                                + binary
                                                + " was not found, or is no program; install"
                                                + " qemu-system-x86, or name the program by "
                                                + QemuOptions.BINARY_VARIABLE));
        String said = ask(program);
        Matcher version = VERSION.matcher(said);
        if (!version.find()) {
            throw new MachineFailureException(
                    program + " is no QEMU: it answers \"" + said.strip() + "\" to --version");
        }
        int major = Integer.parseInt(version.group(1));
        int minor = Integer.parseInt(version.group(2));
        if (major < LEAST_MAJOR || major == LEAST_MAJOR && minor < LEAST_MINOR) {
            throw new MachineFailureException(
                    program
                            + " is QEMU "
                            + major
                            + "."
                            + minor
                            + ", which is too old; "
                            + LEAST_MAJOR
                            + "."
                            + LEAST_MINOR
                            + " and later can be used");
        }
        return new Installation(program, major, minor);
    }

    private static Optional<Path> locate(String binary) {
        if (binary.contains(File.separator)) {
            return Optional.of(Path.of(binary)).filter(Installation::isProgram);
        }
        String places = Optional.ofNullable(System.getenv("PATH")).orElse("");
        return Arrays.stream(places.split(Pattern.quote(File.pathSeparator), -1))
                .filter(place -> !place.isEmpty())
                .map(place -> Path.of(place, binary))
                .filter(Installation::isProgram)
                .findFirst();
    }

    private static boolean isProgram(Path file) {
        return Files.isRegularFile(file) && Files.isExecutable(file);
    }

    private static String ask(Path program) {
        try {
            Process process =
                    new ProcessBuilder(program.toString(), "--version")
                            .redirectErrorStream(true)
                            .start();
            process.getOutputStream().close();
            if (!process.waitFor(ANSWER_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new MachineFailureException(program + " --version does not end");
            }
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new MachineFailureException(program + " cannot be run", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MachineFailureException("interrupted while QEMU was asked its version", e);
        }
    }
}
