package org.iommu4j.cli;

import java.io.Console;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.Optional;

/**
 * Where the command reads and writes.
 *
 * @param in standard input
 * @param out for results
 * @param err for errors and progress
 * @param terminal whether somebody watches
 */
record Streams(InputStream in, PrintStream out, PrintStream err, boolean terminal) {
    /** The process's own. */
    static Streams ofProcess() {
        return new Streams(
                System.in,
                System.out,
                System.err,
                Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false));
    }
}
