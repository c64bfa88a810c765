package org.iommu4j.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The machine that figures were measured on.
 *
 * @param processor its model
 * @param processors how many of them
 * @param system the operating system
 * @param java the virtual machine
 */
record Host(String processor, int processors, String system, String java) {

    static Host here() {
        return new Host(
                processorName(),
                Runtime.getRuntime().availableProcessors(),
                System.getProperty("os.name") + ' ' + System.getProperty("os.version"),
                System.getProperty("java.vm.name") + ' ' + System.getProperty("java.vm.version"));
    }

    private static String processorName() {
        try {
            List<String> lines =
                    Files.readAllLines(Path.of("/proc/cpuinfo"), StandardCharsets.ISO_8859_1);
            for (String line : lines) {
                if (line.startsWith("model name")) {
                    return line.substring(line.indexOf(':') + 1).strip();
                }
            }
        } catch (IOException e) {
            /* Only Linux says it there. */
        }
        return System.getProperty("os.arch", "unknown");
    }
}
