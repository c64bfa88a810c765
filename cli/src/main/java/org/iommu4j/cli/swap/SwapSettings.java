package org.iommu4j.cli.swap;

import java.time.Duration;
import java.util.Optional;

/**
 * What the scenario runs on, and for how long.
 *
 * @param memory the VM's memory, in bytes; a multiple of the large page
 * @param page the large page it is mapped with, in bytes: 2 MiB or 1 GiB
 * @param workingSet how much of it devices use, in bytes; a multiple of 2 MiB
 * @param devices how many devices do DMA, each on a thread of its own
 * @param duration how long each strategy is watched
 * @param faults what becomes of a DMA to a page that is out; empty: recoverable where the machine
 *     can
 * @param swapIn when pages come back; empty: on fault where faults are recoverable
 * @param seed all that is random comes from it
 * @param machine the machine's provider, with parameters if it takes some
 * @param backend the backend
 * @param flush the flush policy, with parameters if it takes some
 * @param sanitizer whether the machine's sanitizer is asked for
 */
public record SwapSettings(
        long memory,
        long page,
        long workingSet,
        int devices,
        Duration duration,
        Optional<Faults> faults,
        Optional<SwapIn> swapIn,
        long seed,
        String machine,
        String backend,
        String flush,
        boolean sanitizer) {

    /** The largest working set, in bytes; the books are kept by its pages. */
    public static final long LARGEST_WORKING_SET = 1L << 36;

    /** The most devices: so many slots has a page. */
    public static final int MOST_DEVICES = Content.SLOTS;

    private static final Duration LONGEST = Duration.ofDays(30);

    /**
     * Checks that the scenario can be laid out.
     *
     * @throws IllegalArgumentException if it cannot; the message says why, and what is legal
     */
    public SwapSettings {
        if (page != 1L << 21 && page != 1L << 30) {
            throw new IllegalArgumentException(
                    "--page " + bytes(page) + ": the large page is 2m or 1g");
        }
        if (memory < page || memory % page != 0 || memory > GuestMemory.LARGEST) {
            throw new IllegalArgumentException(
                    "--memory "
                            + bytes(memory)
                            + ": a positive multiple of the large page, "
                            + bytes(page)
                            + ", up to "
                            + bytes(GuestMemory.LARGEST)
                            + " is legal");
        }
        if (workingSet < GuestMemory.PIECE
                || workingSet % GuestMemory.PIECE != 0
                || workingSet > Math.min(memory, LARGEST_WORKING_SET)) {
            throw new IllegalArgumentException(
                    "--working-set "
                            + bytes(workingSet)
                            + ": a positive multiple of "
                            + bytes(GuestMemory.PIECE)
                            + " up to "
                            + bytes(Math.min(memory, LARGEST_WORKING_SET))
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
    String configuredMachine() {
        String choice = MachineChoice.with(machine, "devices", Integer.toString(devices));
        if (!MachineChoice.isEmulator(machine)) {
            return choice; // nothing is random in others, and nobody watches them
        }
        choice = MachineChoice.with(choice, "seed", Long.toString(seed));
        return sanitizer ? choice : MachineChoice.with(choice, "sanitizer", "false");
    }

    /** {@return how many bytes of the machine's memory the scenario takes} */
    long machineMemory() {
        int pages = (int) (workingSet / GuestMemory.PAGE_SIZE);
        long spares = Swapper.sparesFor(pages) * GuestMemory.PAGE_SIZE;
        long unit = GuestMemory.PIECE;
        return (GuestMemory.hostEnd(memory) + spares + unit - 1) / unit * unit;
    }

    private static String bytes(long count) {
        return MemorySize.text(count);
    }
}
