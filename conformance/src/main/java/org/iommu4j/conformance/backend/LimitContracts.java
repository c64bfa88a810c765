package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.MemoryType;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.conformance.Contract;

/** M: what can be mapped at all, how, and from when on. */
final class LimitContracts {

    /* There may be more memory types, and more software bits, than a format has. */
    private static final Set<Feature> IN_PART =
            EnumSet.of(Feature.MEMORY_TYPES, Feature.SOFTWARE_BITS);

    private LimitContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.M6,
                        "the first and the last page of every width can be mapped, and nothing"
                                + " beyond",
                        LimitContracts::theEndsCanBeMapped),
                must(
                        Rule.M6,
                        "misaligned, empty and overflowing ranges are refused by every call",
                        LimitContracts::illegalRangesAreRefused),
                must(
                        Rule.M7,
                        "every access that can be mapped comes back, at every page size",
                        LimitContracts::accessesComeBack),
                must(
                        Rule.M7,
                        "devices may do what the access says, and no more",
                        LimitContracts::devicesMayDoWhatTheAccessSays),
                must(
                        Rule.M8,
                        "a device can use what was mapped at once, or when the gather was synced",
                        LimitContracts::whatIsMappedCanBeUsed),
                must(
                        Rule.M8,
                        "that holds under a split whose invalidation is still pending",
                        LimitContracts::whatIsMappedUnderAPendingSplitCanBeUsed));
    }

    private static void theEndsCanBeMapped(Trial trial) {
        long page = trial.page();
        for (int width : trial.capabilities().addressWidths()) {
            NotedDomain domain = trial.domain(DomainOptions.defaults().withAddressWidth(width));
            long end = 1L << width;
            long output = trial.output();
            domain.map(0, output, page, Access.READ);
            domain.map(end - page, output + page, page, Access.READ);
            trial.evidence.require(
                    domain.translate(0) == output
                            && domain.translate(end - 1) == output + 2 * page - 1,
                    () -> "the first or last page of " + width + " bits does not translate");
            IotlbGather gather = domain.gather();
            Picture before = Picture.of(trial, domain, null, gather, end - page, page);
            for (long[] range :
                    new long[][] {
                        {end, page}, {end - page, 2 * page}, {end - 2 * page, end}, {-page, page}
                    }) {
                refused(
                        trial,
                        "a map",
                        range,
                        () -> domain.map(range[0], output, range[1], Access.READ, gather));
                refused(trial, "an unmap", range, () -> domain.unmap(range[0], range[1], gather));
            }
            before.requireSame("after calls beyond the width of " + width + " bits");
            trial.evidence.require(
                    domain.unmap(0, page) == page && domain.unmap(end - page, page) == page,
                    () -> "the ends of " + width + " bits cannot be unmapped");
            domain.close();
        }
    }

    private static void illegalRangesAreRefused(Trial trial) {
        long page = trial.page();
        long base = trial.place();
        NotedDomain domain = trial.domain();
        domain.map(base, trial.output(), 4 * page, Access.READ);
        IotlbGather gather = domain.gather();
        Picture before = Picture.of(trial, domain, null, gather, base, 8 * page);
        for (long[] range :
                new long[][] {
                    {base + 8, page},
                    {base, page + 8},
                    {base, 0},
                    {base, -page},
                    {base, Long.MAX_VALUE & -page},
                    {Long.MAX_VALUE & -page, page}
                }) {
            refused(
                    trial,
                    "a map",
                    range,
                    () -> domain.map(range[0], 0, range[1], Access.READ, gather));
            refused(trial, "an unmap", range, () -> domain.unmap(range[0], range[1], gather));
            refused(trial, "a cut", range, () -> domain.cut(range[0], range[1], gather));
            refused(trial, "a split", range, () -> domain.split(range[0], range[1], page, gather));
        }
        long free = base + 6 * page;
        long tooFar = 1L << trial.capabilities().hostAddressWidth();
        for (long output : new long[] {8, tooFar, -page}) {
            Refusal.of(
                    IllegalArgumentException.class,
                    "a map to the output address " + Hex.of(output),
                    trial.evidence,
                    () -> domain.map(free, output, page, Access.READ, gather));
        }
        refused(
                trial,
                "a split to 0x3000",
                new long[] {base, page},
                () -> domain.split(base, page, 0x3000, gather));
        before.requireSame("after calls that were refused");
    }

    private static void refused(Trial trial, String what, long[] range, Runnable call) {
        Refusal.of(
                IllegalArgumentException.class,
                what + " of " + Hex.of(range[1]) + " bytes at " + Hex.of(range[0]),
                trial.evidence,
                call);
    }

    private static void accessesComeBack(Trial trial) {
        NotedDomain domain = trial.domain();
        int expressed = 0;
        for (long size : trial.sizes()) {
            long base = trial.place();
            for (Access access : accesses()) {
                IotlbGather gather = domain.gather();
                Picture before = Picture.of(trial, domain, null, gather, base, size);
                try {
                    domain.itself().map(base, trial.output(), size, access);
                } catch (UnsupportedFeatureException e) {
                    trial.evidence.require(
                            !trial.claims(e.feature()) || IN_PART.contains(e.feature()),
                            () ->
                                    access
                                            + " is refused for want of "
                                            + e.feature()
                                            + ", which is there");
                    before.requireSame("after " + access + " was refused");
                    continue;
                }
                expressed++;
                Access back = domain.itself().mappingAt(base).orElseThrow().access();
                trial.evidence.require(
                        back.equals(access),
                        () -> "a leaf of " + Hex.of(size) + " mapped " + access + " says " + back);
                domain.itself().unmap(base, size);
            }
        }
        trial.evidence.note(expressed + " mappings came back as they were given");
    }

    /** {@return every access without software bits, and some with them} */
    static List<Access> accesses() {
        List<Access> accesses = new ArrayList<>();
        for (MemoryType type : MemoryType.values()) {
            for (int index = 0; index < 16; index++) {
                Access access = Access.of(index, 0).withMemoryType(type);
                accesses.add(access);
                if (type == MemoryType.DEFAULT) {
                    accesses.add(access.withSoftware(1));
                    accesses.add(access.withSoftware(0xa5));
                    accesses.add(access.withSoftware(0xff));
                }
            }
        }
        return accesses;
    }

    private static void devicesMayDoWhatTheAccessSays(Trial trial) {
        Bus bus = trial.bus();
        long page = trial.page();
        long frames = bus.frames(page);
        bus.poke(frames, 0x1234);
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        for (Access access : List.of(Access.READ, Access.WRITE, Access.READ_WRITE)) {
            long iova = trial.place();
            try {
                domain.map(iova, frames, page, access);
            } catch (UnsupportedFeatureException e) {
                trial.evidence.require(
                        !trial.claims(e.feature()),
                        () ->
                                access
                                        + " is refused for want of "
                                        + e.feature()
                                        + ", which is there");
                continue;
            }
            boolean read = bus.read(0, iova, new long[1]).isDone();
            boolean written = bus.write(0, iova + 8, 1).isDone();
            trial.evidence.require(
                    read == access.readable() && written == access.writable(),
                    () ->
                            "a page is mapped "
                                    + access
                                    + "; a device could "
                                    + (read ? "" : "not ")
                                    + "read and could "
                                    + (written ? "" : "not ")
                                    + "write");
        }
    }

    private static void whatIsMappedCanBeUsed(Trial trial) {
        Bus bus = trial.bus();
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        int value = 0;
        for (long size : trial.sizes().stream().filter(size -> size <= 2 << 20).toList()) {
            long frames = bus.frames(size);
            long base = trial.place();
            for (int i = 0; i < 8; i++) {
                long iova = base + i * size;
                long offset = trial.random.nextLong(size / 8) * 8;
                bus.poke(frames + offset, ++value);
                if (i % 2 == 0) {
                    domain.map(iova, frames, size, Access.READ_WRITE);
                    bus.requireRead(0, iova + offset, value, "right after it was mapped");
                } else {
                    IotlbGather gather = domain.gather();
                    domain.map(iova, frames, size, Access.READ_WRITE, gather);
                    domain.flush(gather);
                    bus.requireRead(0, iova + offset, value, "right after its gather was synced");
                }
            }
        }
    }

    private static void whatIsMappedUnderAPendingSplitCanBeUsed(Trial trial) {
        Bus bus = trial.bus();
        long page = trial.page();
        long large = trial.large();
        long frames = bus.frames(large + 2 * page);
        for (int i = 0; i < 2 * (int) (large / page); i++) {
            if (i * page < large + 2 * page) {
                bus.poke(frames + i * page, 0x5000 + i);
            }
        }
        NotedDomain domain = trial.domain();
        trial.iommu().attach(bus.source(0), domain.itself());
        for (int i = 0; i < 4; i++) {
            long base = trial.place();
            domain.map(base, frames, large, Access.READ_WRITE);
            bus.requireRead(0, base + 7 * page, 0x5007, "in a large leaf");
            IotlbGather pending = domain.gather();
            domain.unmap(base + 3 * page, page, pending);
            long other = frames + large + page;
            domain.map(base + 3 * page, other, page, Access.READ);
            bus.requireRead(
                    0,
                    base + 3 * page,
                    0x5000 + large / page + 1,
                    "mapped again under a split that is pending");
            bus.requireRead(0, base + 4 * page, 0x5004, "beside it");
            domain.flush(pending);
        }
    }
}
