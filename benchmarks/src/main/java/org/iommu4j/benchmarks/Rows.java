package org.iommu4j.benchmarks;

import static org.iommu4j.benchmarks.Budget.FLOOR;
import static org.iommu4j.benchmarks.Budget.PEER;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.benchmarks.CoalesceBenchmark.Leaf;
import org.iommu4j.benchmarks.DirtyBenchmark.Share;
import org.iommu4j.benchmarks.RangeBenchmark.Shape;
import org.iommu4j.benchmarks.SamePageBenchmark.Company;
import org.iommu4j.benchmarks.ScaleBenchmark.Mapped;
import org.iommu4j.benchmarks.SplitBenchmark.Cut;

/*
 * The peers' figures: Linux 7.3's generic I/O page table, format vtdss with 4 levels, compiled in user space by gcc 14
 * against a stack of pages zeroed on allocation; no locks, no invalidation, no tracepoints; the least nanoseconds a call
 * over many samples, on one 2-core x86-64 machine.
 */

/** All rows, in the order of the table. */
final class Rows {

    /** The floor in Java that others are held against. */
    static final String JAVA_FLOOR = "floor: take a page, write it, one exchange";

    /** How many emptied tables may stay linked unless a row is about them: the default. */
    static final int USUAL = 64;

    /**
     * So many that none goes where each of two threads empties no more than 2048, as Linux has it.
     */
    static final int ALL_STAY = 8192;

    private Rows() {}

    static List<Row> all() {
        List<Row> rows = new ArrayList<>();
        rows.add(Row.of(JAVA_FLOOR, "FloorBenchmark.split", FloorBenchmark.CALLS));
        rows.add(Row.of("floor: write 262,144 entries", "FloorBenchmark.fill", 1));
        addPages(rows);
        addTables(rows);
        addLeaves(rows);
        addTraffic(rows);
        addSplits(rows);
        addDirty(rows);
        addScale(rows);
        ThreadRows.addTo(rows);
        UnitRows.addTo(rows);
        return rows;
    }

    private static void addPages(List<Row> rows) {
        rows.add(map("map 4 KiB", Shape.PAGE_4K).peer(15.3).within(0.9, PEER));
        rows.add(unmap("unmap 4 KiB", Shape.PAGE_4K).peer(32.9).within(0.55, PEER));
        rows.add(
                pair("map + unmap the same page", Company.NEIGHBOUR, USUAL)
                        .peer(49)
                        .within(0.6, PEER));
        rows.add(
                pair("map + unmap a lone page, table damped", Company.LONE, USUAL)
                        .peer(49)
                        .within(0.6, PEER));
        rows.add(pair("map + unmap a lone page, table goes", Company.LONE, 0).peer(49));
        rows.add(map("map 4 KiB into a new table", Shape.PAGE_4K_COLD));
        rows.add(unmap("unmap 4 KiB, table goes", Shape.PAGE_4K_COLD));
        rows.add(map("map 4 KiB, non-coherent", Shape.PAGE_4K_NON_COHERENT).peer(478));
        rows.add(unmap("unmap 4 KiB, non-coherent", Shape.PAGE_4K_NON_COHERENT).peer(453));
    }

    private static void addTables(List<Row> rows) {
        rows.add(map("map 64 KiB", Shape.PAGES_64K).peer(64).within(0.7, PEER));
        /* The peers' table lacks this one; of the prototype's 39 ns it says that they are 0.80 of it. */
        rows.add(unmap("unmap 64 KiB", Shape.PAGES_64K).peer(39 / 0.8).within(0.8, PEER));
        rows.add(map("map 1 MiB", Shape.PAGES_1M).peer(416).within(0.4, PEER));
        rows.add(unmap("unmap 1 MiB", Shape.PAGES_1M).peer(342).within(0.4, PEER));
        rows.add(map("map 2 MiB as 512 pages", Shape.PAGES_2M).peer(815).within(0.12, PEER));
        rows.add(unmap("unmap 2 MiB of 512 pages", Shape.PAGES_2M).peer(654).within(0.06, PEER));
        rows.add(
                map("map 2 MiB as 512 pages, non-coherent", Shape.PAGES_2M_NON_COHERENT)
                        .onlyInFull());
        rows.add(
                unmap("unmap 2 MiB of 512 pages, non-coherent", Shape.PAGES_2M_NON_COHERENT)
                        .onlyInFull());
        rows.add(map("map 1 GiB as 262,144 pages", Shape.PAGES_1G).peer(411_000).within(0.1, PEER));
        rows.add(
                unmap("unmap 1 GiB of 262,144 pages", Shape.PAGES_1G)
                        .peer(316_000)
                        .within(0.02, PEER));
    }

    private static void addLeaves(List<Row> rows) {
        rows.add(map("map a 2 MiB leaf", Shape.LEAF_2M).peer(36).within(0.5, PEER));
        rows.add(unmap("unmap a 2 MiB leaf", Shape.LEAF_2M).peer(27).within(0.75, PEER));
        rows.add(map("map a 1 GiB leaf", Shape.LEAF_1G).peer(28));
        rows.add(unmap("unmap a 1 GiB leaf", Shape.LEAF_1G).peer(21));
        rows.add(translate("translate, same page", "hot").peer(7.4).within(0.8, PEER));
        rows.add(translate("translate, random over 1 GiB", "random").peer(10.7).within(1, PEER));
    }

    private static void addTraffic(List<Row> rows) {
        rows.add(mix("mix in 64 MiB", Window.OF_64M, USUAL).peer(52).within(0.6, PEER));
        rows.add(mix("mix in 4 GiB", Window.OF_4G, USUAL).peer(112).within(0.8, PEER));
        rows.add(mix("mix in 4 GiB, tables stay", Window.OF_4G, ALL_STAY).peer(112).onlyInFull());
    }

    private static void addSplits(List<Row> rows) {
        rows.add(
                cut("split 2 MiB into 512 pages", "split", Cut.SPLIT_2M)
                        .peer(844)
                        .within(0.12, PEER));
        rows.add(cut("split 1 GiB into 512 x 2 MiB", "split", Cut.SPLIT_1G).peer(828));
        rows.add(cut("unmap 4 KiB out of a 2 MiB leaf", "punch", Cut.PUNCH_2M).within(1.6, FLOOR));
        rows.add(cut("unmap 4 KiB out of a 1 GiB leaf", "punch", Cut.PUNCH_1G).within(3, FLOOR));
        rows.add(coalesce("coalesce 512 pages into 2 MiB", Leaf.OF_2M));
        rows.add(coalesce("coalesce 512 x 2 MiB into 1 GiB", Leaf.OF_1G));
    }

    private static void addDirty(List<Row> rows) {
        rows.add(dirty("none", Share.NONE).peer(737_000).within(0.2, PEER));
        rows.add(dirty("1 %", Share.HUNDREDTH).peer(744_000).within(0.3, PEER));
        rows.add(dirty("all", Share.ALL).peer(1_423_000).within(1, PEER));
    }

    private static void addScale(List<Row> rows) {
        for (Mapped mapped : Mapped.values()) {
            String size = mapped.name().replaceFirst("OF_(\\d+)", "$1 ");
            String pair = "unmap + map 2 MiB, %siB mapped".formatted(size);
            Row same = scale(pair, "samePlace", mapped);
            boolean ends = mapped == Mapped.OF_1G || mapped == Mapped.OF_64T;
            rows.add(ends ? same : same.onlyInFull());
            rows.add(scale(pair + ", anywhere", "randomPlace", mapped).onlyInFull());
        }
    }

    private static Row map(String operation, Shape shape) {
        return range(operation, "RangeBenchmark.map", shape);
    }

    private static Row unmap(String operation, Shape shape) {
        return range(operation, "RangeBenchmark.unmap", shape);
    }

    private static Row range(String operation, String method, Shape shape) {
        return Row.of(operation, method, shape.calls())
                .with("shape", shape)
                .emptyTables(shape.tablesGo() ? 0 : USUAL);
    }

    private static Row pair(String operation, Company company, int emptyTables) {
        return Row.of(operation, "SamePageBenchmark.pairs", SamePageBenchmark.PAIRS)
                .with("company", company)
                .emptyTables(emptyTables);
    }

    private static Row translate(String operation, String method) {
        return Row.of(operation, "TranslateBenchmark." + method, TranslateBenchmark.CALLS)
                .emptyTables(USUAL);
    }

    private static Row mix(String operation, Window window, int emptyTables) {
        return Row.of(operation, "TrafficBenchmark.pairs", TrafficBenchmark.PAIRS)
                .with("window", window)
                .emptyTables(emptyTables);
    }

    private static Row coalesce(String operation, Leaf leaf) {
        return Row.of(operation, "CoalesceBenchmark.coalesce", CoalesceBenchmark.CALLS)
                .with("leaf", leaf)
                .emptyTables(USUAL);
    }

    private static Row dirty(String how, Share share) {
        String operation = "read-and-clear dirty of 1 GiB, " + how;
        return Row.of(operation, "DirtyBenchmark.readAndClear", 1)
                .with("share", share)
                .emptyTables(USUAL);
    }

    private static Row scale(String operation, String method, Mapped mapped) {
        return Row.of(operation, "ScaleBenchmark." + method, ScaleBenchmark.PAIRS)
                .with("mapped", mapped)
                .emptyTables(USUAL);
    }

    private static Row cut(String operation, String method, Cut cut) {
        return Row.of(operation, "SplitBenchmark." + method, SplitBenchmark.CALLS)
                .with("cut", cut)
                .emptyTables(USUAL);
    }
}
