package org.iommu4j.cli;

import java.math.BigDecimal;
import java.time.Duration;
import org.iommu4j.cli.vm.VmSettings;
import picocli.CommandLine.Option;

/** The options of every command that runs a VM; how much memory and time is the command's own. */
final class VmOptions {
    @Option(
            names = "--page",
            paramLabel = "SIZE",
            defaultValue = "2m",
            converter = PageSize.Converter.class,
            description =
                    "The large page that the memory is mapped with, 2m or 1g. Default:"
                            + " ${DEFAULT-VALUE}.")
    private PageSize page = PageSize.LARGE;

    @Option(
            names = "--devices",
            paramLabel = "N",
            defaultValue = "2",
            description =
                    "How many devices do DMA, each on its own thread. Default: ${DEFAULT-VALUE}.")
    private int devices;

    @Option(
            names = "--machine",
            paramLabel = "NAME",
            defaultValue = "emulator",
            description =
                    "The machine, with parameters as in emulator:coherent=false; see 'iommu4j list'."
                            + " Default: ${DEFAULT-VALUE}.")
    private String machine = "emulator";

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            defaultValue = "vtd",
            description =
                    "Who drives its remapping hardware; see 'iommu4j list'. Default:"
                            + " ${DEFAULT-VALUE}.")
    private String backend = "vtd";

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "Which pages, and what the machine does by chance. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(
            names = "--no-sanitizer",
            description =
                    "Do not hold what the driver believes against what the hardware does. DMA is"
                            + " faster then, and the data is checked all the same.")
    private boolean noSanitizer;

    /** The large page. */
    PageSize page() {
        return page;
    }

    /**
     * What the options say.
     *
     * @param memory the VM's memory, in bytes
     * @param seconds how long it is watched
     * @throws IllegalArgumentException if there is no such VM
     */
    VmSettings settings(long memory, BigDecimal seconds) {
        return new VmSettings(
                memory,
                page.bytes(),
                devices,
                duration(seconds),
                seed,
                machine,
                backend,
                !noSanitizer);
    }

    /** What is too long for a duration is too long for a run. */
    private static Duration duration(BigDecimal seconds) {
        BigDecimal nanos = seconds.movePointRight(9);
        BigDecimal most = BigDecimal.valueOf(Long.MAX_VALUE);
        return Duration.ofNanos(nanos.min(most).max(most.negate()).longValue());
    }
}
