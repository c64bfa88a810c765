package org.iommu4j.inspector;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.iommu4j.machine.SourceId;

/**
 * How one request is translated, as the hardware would do it: each entry it reads on the way, and
 * where a read and a write end.
 *
 * @param device whose request
 * @param pasid the PASID it has or is given; empty in legacy mode
 * @param iova its I/O virtual address
 * @param steps the entries read, in order
 * @param read where a read ends
 * @param write where a write ends
 */
public record Explanation(
        SourceId device,
        OptionalInt pasid,
        long iova,
        List<Step> steps,
        Outcome read,
        Outcome write) {

    /** The host address width that is assumed where none is known. */
    public static final int ANY_HOST_WIDTH = 52;

    /**
     * An entry that the hardware reads.
     *
     * @param structure what it is, as in {@code context entry}
     * @param address its physical address
     * @param words its 64-bit words
     * @param meaning what its bits say
     */
    public record Step(String structure, long address, List<Long> words, String meaning) {}

    /**
     * The end of a request.
     *
     * @param output where it goes in physical memory; empty if it faults
     * @param fault why it faults; empty if it does not
     */
    public record Outcome(OptionalLong output, Optional<FaultReason> fault) {

        static Outcome faults(FaultReason reason) {
            return new Outcome(OptionalLong.empty(), Optional.of(reason));
        }

        static Outcome goesTo(long output) {
            return new Outcome(OptionalLong.of(output), Optional.empty());
        }

        @Override
        public String toString() {
            return fault.map(reason -> "faults: " + reason)
                    .orElseGet(() -> "goes to " + Hex.of(output.orElseThrow()));
        }
    }

    /**
     * Explains one translation.
     *
     * @param view the memory that the tables are in
     * @param root where the root table is
     * @param device whose request
     * @param pasid a PASID that the request carries; empty for one without
     * @param iova its I/O virtual address
     * @param hostAddressWidth how many bits a physical address of the machine has
     * @return the explanation; a fault is a normal result
     */
    public static Explanation of(
            PhysicalView view,
            RootPointer root,
            SourceId device,
            OptionalInt pasid,
            long iova,
            int hostAddressWidth) {
        return new Explainer(view, root, device, pasid, iova, hostAddressWidth).explain();
    }
}
