package org.iommu4j.cli.swap;

import java.util.Optional;
import org.iommu4j.cli.vm.Faults;
import org.iommu4j.cli.vm.GuestMemory;
import org.iommu4j.cli.vm.MemorySize;
import org.iommu4j.cli.vm.VmSettings;

/**
 * What the scenario runs on, and for how long.
 *
 * @param vm the VM, and the machine it is on; each strategy is watched for its duration
 * @param workingSet how much of its memory devices use, in bytes; a multiple of 2 MiB
 * @param faults what becomes of a DMA to a page that is out; empty: recoverable where the machine
 *     can
 * @param swapIn when pages come back; empty: on fault where faults are recoverable
 * @param flush the flush policy, with parameters if it takes some
 */
public record SwapSettings(
        VmSettings vm,
        long workingSet,
        Optional<Faults> faults,
        Optional<SwapIn> swapIn,
        String flush) {

    /** The largest working set, in bytes; the books are kept by its pages. */
    public static final long LARGEST_WORKING_SET = 1L << 36;

    /**
     * Checks that the scenario can be laid out.
     *
     * @throws IllegalArgumentException if it cannot; the message says why, and what is legal
     */
    public SwapSettings {
        long most = Math.min(vm.memory(), LARGEST_WORKING_SET);
        if (workingSet < GuestMemory.PIECE
                || workingSet % GuestMemory.PIECE != 0
                || workingSet > most) {
            throw new IllegalArgumentException(
                    "--working-set "
                            + MemorySize.text(workingSet)
                            + ": a positive multiple of "
                            + MemorySize.text(GuestMemory.PIECE)
                            + " up to "
                            + MemorySize.text(most)
                            + " is legal");
        }
    }

    /** {@return how many bytes of the machine's memory the scenario takes} */
    long machineMemory() {
        int pages = (int) (workingSet / GuestMemory.PAGE_SIZE);
        long spares = Swapper.sparesFor(pages) * GuestMemory.PAGE_SIZE;
        long unit = GuestMemory.PIECE;
        return (GuestMemory.hostEnd(vm.memory()) + spares + unit - 1) / unit * unit;
    }
}
