package org.iommu4j.conformance.backend;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.conformance.Evidence;

/** A domain whose operations are noted as evidence. Any thread may use it. */
final class NotedDomain {

    private final IommuDomain domain;
    private final Evidence evidence;

    NotedDomain(IommuDomain domain, Evidence evidence) {
        this.domain = domain;
        this.evidence = evidence;
    }

    /** {@return the domain itself} */
    IommuDomain itself() {
        return domain;
    }

    void map(long iova, long output, long size, Access access) {
        noted(
                "map",
                iova,
                size,
                " -> " + Hex.of(output) + " " + access,
                () -> {
                    domain.map(iova, output, size, access);
                    return "";
                });
    }

    void map(long iova, long output, long size, Access access, IotlbGather gather) {
        noted(
                "map",
                iova,
                size,
                " -> " + Hex.of(output) + " " + access + ", gathered",
                () -> {
                    domain.map(iova, output, size, access, gather);
                    return "";
                });
    }

    boolean tryMap(long iova, long output, long size, Access access, IotlbGather gather) {
        boolean[] mapped = new boolean[1];
        noted(
                "tryMap",
                iova,
                size,
                " -> " + Hex.of(output) + " " + access,
                () -> {
                    mapped[0] = domain.tryMap(iova, output, size, access, gather);
                    return " = " + mapped[0];
                });
        return mapped[0];
    }

    long unmap(long iova, long size) {
        long[] bytes = new long[1];
        noted(
                "unmap",
                iova,
                size,
                "",
                () -> {
                    bytes[0] = domain.unmap(iova, size);
                    return " = " + Hex.of(bytes[0]);
                });
        return bytes[0];
    }

    long unmap(long iova, long size, IotlbGather gather) {
        long[] bytes = new long[1];
        noted(
                "unmap",
                iova,
                size,
                ", gathered",
                () -> {
                    bytes[0] = domain.unmap(iova, size, gather);
                    return " = " + Hex.of(bytes[0]);
                });
        return bytes[0];
    }

    void cut(long iova, long size, IotlbGather gather) {
        noted(
                "cut",
                iova,
                size,
                "",
                () -> {
                    domain.cut(iova, size, gather);
                    return "";
                });
    }

    void split(long iova, long size, long pageSize, IotlbGather gather) {
        noted(
                "split",
                iova,
                size,
                " to " + Hex.of(pageSize),
                () -> {
                    domain.split(iova, size, pageSize, gather);
                    return "";
                });
    }

    long coalesce(long iova, long size, IotlbGather gather) {
        long[] merged = new long[1];
        noted(
                "coalesce",
                iova,
                size,
                "",
                () -> {
                    merged[0] = domain.coalesce(iova, size, gather);
                    return " = " + merged[0];
                });
        return merged[0];
    }

    IotlbGather gather() {
        return domain.gather();
    }

    /** Hands a gather over, and waits. */
    void flush(IotlbGather gather) {
        sync(gather).await();
    }

    FlushCompletion sync(IotlbGather gather) {
        evidence.note("sync of a " + gather);
        return domain.sync(gather);
    }

    long translate(long iova) {
        return domain.translate(iova);
    }

    void close() {
        evidence.note("close of the domain");
        domain.close();
    }

    /** {@return every leaf that touches a range, as the domain tells them} */
    List<Mapping> leaves(long iova, long size) {
        List<Mapping> leaves = new ArrayList<>();
        domain.mappings(
                iova,
                size,
                (start, output, bytes, access) ->
                        leaves.add(new Mapping(start, output, bytes, access)));
        return leaves;
    }

    /** {@return the size of the leaf that maps an address; 0 if there is none} */
    long leafSize(long iova) {
        return domain.mappingAt(iova).map(Mapping::size).orElse(0L);
    }

    /** What a call says of itself when it returns. */
    private interface Call {
        String run();
    }

    private void noted(String what, long iova, long size, String more, Call call) {
        String line = what + " " + Hex.range(iova, size) + more;
        try {
            evidence.note(line + call.run());
        } catch (RuntimeException e) {
            evidence.note(line + ": " + e);
            throw e;
        }
    }
}
