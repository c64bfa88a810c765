package org.iommu4j.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What the floor costs in C on this machine: the bridge from the peers' machine to this one.
 *
 * @param zeroed nanoseconds to take a page, zero it, write 512 entries, and exchange one
 * @param taken the same, without zeroing
 * @param many nanoseconds to write 262,144 entries
 */
record CFloor(double zeroed, double taken, double many) {

    /** What {@link #zeroed} is on the peers' machine. */
    private static final double PEER_ZEROED = 249;

    /** What {@link #many} is on the peers' machine. */
    private static final double PEER_MANY = 95_000;

    private static final List<String> COMPILERS = List.of("cc", "gcc", "clang");
    private static final int SECONDS = 60;

    /* Where the memory of a process lies can make it half as slow again. */
    private static final int RUNS = 5;

    /** How many times as long as on the peers' machine something takes here. */
    double scale() {
        return Math.sqrt(zeroed / PEER_ZEROED * many / PEER_MANY);
    }

    /** Measures it, as plainly compiled as the peers' floor was; empty without a compiler. */
    static Optional<CFloor> measured() {
        for (String compiler : COMPILERS) {
            try {
                return Optional.of(compiledBy(compiler));
            } catch (IOException e) { // not there, or it compiles no C: the next one may
            }
        }
        return Optional.empty();
    }

    private static CFloor compiledBy(String compiler) throws IOException {
        Path folder = Files.createTempDirectory("floor");
        Path source = folder.resolve("floor.c");
        Path program = folder.resolve("floor");
        try (InputStream text =
                Objects.requireNonNull(CFloor.class.getResourceAsStream("floor.c"), "floor.c")) {
            Files.copy(text, source);
            run(compiler, "-O2", "-o", program.toString(), source.toString());
            CFloor least = parsed(run(program.toString()));
            for (int i = 1; i < RUNS; i++) {
                least = least.least(parsed(run(program.toString())));
            }
            return least;
        } finally {
            Files.deleteIfExists(program);
            Files.deleteIfExists(source);
            Files.delete(folder);
        }
    }

    private CFloor least(CFloor other) {
        return new CFloor(
                Math.min(zeroed, other.zeroed),
                Math.min(taken, other.taken),
                Math.min(many, other.many));
    }

    private static CFloor parsed(String output) throws IOException {
        double[] figures = {Double.NaN, Double.NaN, Double.NaN};
        for (String line : output.split("\n", -1)) {
            String[] words = line.split(" ", 2);
            int index = List.of("zeroed", "taken", "many").indexOf(words[0]);
            if (index >= 0) {
                figures[index] = Double.parseDouble(words[1]);
            }
        }
        CFloor floor = new CFloor(figures[0], figures[1], figures[2]);
        if (!(floor.scale() > 0)) {
            throw new IOException("the floor printed \"" + output + '"');
        }
        return floor;
    }

    private static String run(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            process.getOutputStream().close();
            byte[] output = process.getInputStream().readAllBytes();
            if (!process.waitFor(SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new IOException(command[0] + " failed");
            }
            return new String(output, StandardCharsets.UTF_8);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.destroy();
        }
    }
}
