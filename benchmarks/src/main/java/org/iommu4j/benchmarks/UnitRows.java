package org.iommu4j.benchmarks;

import static org.iommu4j.benchmarks.Budget.NANOS;

import java.util.List;
import org.iommu4j.benchmarks.DmaBenchmark.Reach;
import org.iommu4j.benchmarks.UnitTrafficBenchmark.Flush;

/** The rows of an emulated unit: flush policies, and the DMA of devices. */
final class UnitRows {

    private static final double SECOND = 1e9;
    private static final double HITS_A_SECOND = 20e6;
    private static final double MISSES_A_SECOND = 3e6;

    private UnitRows() {}

    static void addTo(List<Row> rows) {
        rows.add(mix("mix in 64 MiB, emulated unit, strict", Flush.STRICT));
        rows.add(mix("mix in 64 MiB, emulated unit, deferred", Flush.DEFERRED));
        double hit = SECOND / HITS_A_SECOND;
        double miss = SECOND / MISSES_A_SECOND;
        rows.add(dma("DMA of 8 bytes, IOTLB hit", Reach.HITS).within(hit, NANOS));
        rows.add(
                dma("DMA of 8 bytes, IOTLB hit, two devices", Reach.HITS)
                        .threads(2)
                        .within(hit, NANOS));
        rows.add(dma("DMA of 8 bytes, IOTLB miss", Reach.MISSES).within(miss, NANOS));
        rows.add(
                dma("DMA of 8 bytes, IOTLB miss, two devices", Reach.MISSES)
                        .threads(2)
                        .onlyInFull()
                        .within(miss, NANOS));
    }

    private static Row mix(String operation, Flush flush) {
        return Row.of(operation, "UnitTrafficBenchmark.pairs", UnitTrafficBenchmark.PAIRS)
                .with("flush", flush)
                .emptyTables(Rows.USUAL);
    }

    private static Row dma(String operation, Reach reach) {
        return Row.of(operation, "DmaBenchmark.read", DmaBenchmark.CALLS)
                .with("reach", reach)
                .emptyTables(Rows.USUAL);
    }
}
