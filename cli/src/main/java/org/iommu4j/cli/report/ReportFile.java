package org.iommu4j.cli.report;

import java.io.IOException;
import java.io.PrintStream;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The file that a report goes to. That it can be written is found out before the run, by beginning
 * another file beside it; when the report is complete that one takes its place, so that a file is
 * there whole or not at all. For one thread.
 */
public final class ReportFile implements AutoCloseable {
    private final Optional<Target> target;

    private record Target(Path shown, Path file, Path begun) {}

    private ReportFile(Optional<Target> target) {
        this.target = target;
    }

    /**
     * Begins a file.
     *
     * @param wanted its name; nothing is written without one
     * @throws IllegalArgumentException if it cannot be written; the message says why
     */
    public static ReportFile begin(Optional<Path> wanted) {
        return new ReportFile(wanted.map(ReportFile::target));
    }

    /** {@return whether somebody wants the report} */
    public boolean isWanted() {
        return target.isPresent();
    }

    /**
     * Writes the report, if it is wanted.
     *
     * @param page makes the page
     * @param told where a line says what has been written
     * @throws IOException if that fails; the file is then as it was
     */
    public void write(Supplier<ReportPage<?>> page, PrintStream told) throws IOException {
        if (target.isEmpty()) {
            return;
        }
        Target to = target.get();
        try (Writer out = Files.newBufferedWriter(to.begun())) {
            page.get().write(out);
        }
        Files.move(to.begun(), to.file(), StandardCopyOption.REPLACE_EXISTING);
        told.println("report: " + to.shown());
    }

    /** Leaves nothing behind that is not complete. */
    @Override
    public void close() {
        target.map(Target::begun)
                .map(Path::toFile)
                .ifPresent(begun -> {
                    boolean ignored = begun.delete(); // there is none if it took its place
                });
    }

    private static Target target(Path shown) {
        try {
            Path file = Files.exists(shown) ? shown.toRealPath() : shown.toAbsolutePath();
            requireWritable(shown, file);
            Path name = Optional.ofNullable(file.getFileName()).orElse(file);
            Path begun =
                    file.resolveSibling("." + name + "." + ProcessHandle.current().pid() + ".part");
            Files.deleteIfExists(begun);
            Files.createFile(begun);
            begun.toFile().deleteOnExit(); // if the process is ended from outside
            return new Target(shown, file, begun);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "--report "
                            + shown
                            + ": cannot write a file in its folder: "
                            + e.getClass().getSimpleName(),
                    e);
        }
    }

    private static void requireWritable(Path shown, Path file) {
        Path folder = Optional.ofNullable(file.getParent()).orElse(file);
        if (!Files.isDirectory(folder)) {
            throw new IllegalArgumentException(
                    "--report " + shown + ": there is no folder " + folder);
        }
        if (Files.isDirectory(file)) {
            throw new IllegalArgumentException(
                    "--report " + shown + " is a directory; a file's name was expected");
        }
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)
                && (!Files.isRegularFile(file) || !Files.isWritable(file))) {
            throw new IllegalArgumentException(
                    "--report "
                            + shown
                            + (Files.isRegularFile(file)
                                    ? ": the file is there and must not be written"
                                    : " is no plain file"));
        }
    }
}
