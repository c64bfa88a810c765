package org.iommu4j.cli.vm;

import java.time.Duration;

/**
 * A VM, its devices, and the machine it is on.
 *
 * @param memory the VM's memory, in bytes; a multiple of the large page
 * @param page the large page it is mapped with, in bytes: 2 MiB or 1 GiB
 * @param devices how many devices do DMA, each on a thread of its own
 * @param duration how long it is watched
 * @param seed all that is random comes from it
 * @param machine the machine's provider, with parameters if it takes some
 * @param backend the backend
 * @param sanitizer whether the machine's sanitizer is asked for
 */
public record VmSettings(
        long memory,
        long page,
        int devices,
        Duration duration,
        long seed,
        String machine,
        String backend,
        boolean sanitizer) {

    /** The most devices: so many slots has a page. */
    public static final int MOST_DEVICES = Content.SLOTS;

    private static final Duration LONGEST = Duration.ofDays(30);

    /**
     * Checks that such a VM can be laid out.
     *
     * @throws IllegalArgumentException if it cannot; the message says why, and what is legal
     */
    public VmSettings {
        if (page != 1L << 21 && page != 1L << 30) {
            throw new IllegalArgumentException(
                    "--page " + MemorySize.text(page) + ": the large page is 2m or 1g");
        }
        if (memory < page || memory % page != 0 || memory > GuestMemory.LARGEST) {
            throw new IllegalArgumentException(
                    "--memory "
                            + MemorySize.text(memory)
                            + ": a positive multiple of the large page, "
                            + MemorySize.text(page)
                            + ", up to "
                            + MemorySize.text(GuestMemory.LARGEST)
                            + " is legal");
        }
        if (devices < 1 || devices > MOST_DEVICES) {
            throw new IllegalArgumentException(
                    "--devices " + devices + ": 1 to " + MOST_DEVICES + " are legal");
        }
        if (!duration.isPositive() || duration.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "--seconds "
                            + duration.toNanos() / 1e9
                            + ": more than 0, up to "
                            + LONGEST.toSeconds()
                            + ", are legal");
        }
    }

    /** {@return the machine's provider, with those parameters that follow from the settings} */
    public String configuredMachine() {
        String choice = MachineChoice.with(machine, "devices", Integer.toString(devices));
        if (!MachineChoice.isEmulator(machine)) {
            return choice; // nothing is random in others, and nobody watches them
        }
        choice = MachineChoice.with(choice, "seed", Long.toString(seed));
        return sanitizer ? choice : MachineChoice.with(choice, "sanitizer", "false");
    }
}
