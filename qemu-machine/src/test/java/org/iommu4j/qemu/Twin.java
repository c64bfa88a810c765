package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.Sanitizer;
import org.jspecify.annotations.Nullable;

/** One of two machines that must behave alike, with the driver on it. */
final class Twin implements AutoCloseable {

    private final String name;
    private final boolean keepsNarrowTranslations;
    private final boolean keepsAbsence;
    private final Machine machine;
    private final Iommu iommu;
    private final List<IommuDomain> domains = new ArrayList<>();
    private final @Nullable Attachment[] attachments;
    private final ByteBuffer word = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    private long dmas;
    private long nanos;

    /**
     * Puts the driver on a machine.
     *
     * @param name how messages call it
     * @param keepsNarrowTranslations whether it is known to record no fault where it has cached a
     *     translation that lacks the permission
     * @param machine the machine
     */
    Twin(String name, boolean keepsNarrowTranslations, Machine machine) {
        this.name = name;
        this.keepsNarrowTranslations = keepsNarrowTranslations;
        this.machine = machine;
        long cap = machine.remappingUnits().getFirst().registers().read64(CAP);
        this.keepsAbsence = (cap & CACHING_MODE) != 0;
        this.iommu = Iommu.open("vtd", IommuOptions.on(machine));
        for (int i = 0; i < RandomSequence.DOMAINS; i++) {
            domains.add(iommu.createDomain(DomainOptions.defaults()));
        }
        attachments = new Attachment[RandomSequence.DEVICES];
    }

    boolean keepsNarrowTranslations() {
        return keepsNarrowTranslations;
    }

    /** Whether the unit is in caching mode: it may go on to say that an entry is absent. */
    boolean keepsAbsence() {
        return keepsAbsence;
    }

    IommuDomain domain(int index) {
        return domains.get(index);
    }

    void attach(int device, int domain) {
        attachments[device] =
                iommu.attach(machine.devices().get(device).source(), domains.get(domain));
    }

    void detach(int device) {
        attachments[device].close();
    }

    /** What {@link #dma} returns of a DMA that was blocked, with the reason in its low bits. */
    static final long BLOCKED = Long.MIN_VALUE;

    private static final int CAP = 8;
    private static final long CACHING_MODE = 1 << 7;

    /** Does DMA of one word; returns what it read or wrote, or that it was blocked, and why. */
    long dma(int device, long iova, boolean write, long value) {
        Device master = machine.devices().get(device);
        word.clear().putLong(0, value);
        long begin = System.nanoTime();
        DmaOutcome outcome = write ? master.write(iova, word) : master.read(iova, word);
        nanos += System.nanoTime() - begin;
        dmas++;
        return outcome.isDone() ? word.getLong(0) : BLOCKED | legacyCode(outcome.code(), write);
    }

    /** The reason of legacy mode for the same thing; scalable mode has others. */
    private static int legacyCode(int code, boolean write) {
        return switch (code) {
            case 0x39 -> 1;
            case 0x41, 0x51, 0x59 -> 2;
            case 0x79 -> write ? 5 : 6; // a table lacks it, or there is none
            case 0x85 -> 5;
            case 0x86 -> 6;
            default -> code;
        };
    }

    void poke(long physical, long value) {
        machine.memory().storeRelease(physical, value);
    }

    long peek(long physical) {
        return machine.memory().loadAcquire(physical);
    }

    double dmasPerSecond() {
        return dmas * 1e9 / nanos;
    }

    @Override
    public void close() {
        iommu.close();
        machine.close();
        assertThat(machine.sanitizer().map(Sanitizer::findings).orElse(List.of())).isEmpty();
    }

    @Override
    public String toString() {
        return name;
    }
}
