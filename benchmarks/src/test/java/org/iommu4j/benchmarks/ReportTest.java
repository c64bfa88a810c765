package org.iommu4j.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The ratios are what the table says they are. */
class ReportTest {

    private static final Host HOST = new Host("processor", 2, "system", "java");

    private final Figure floor = new Figure(Row.of(Rows.JAVA_FLOOR, "A.b", 1), 35, 0);

    @Test
    void peersAreScaledByTheFloorInC() {
        CFloor twiceAsFast = new CFloor(124.5, 50, 47_500);
        Figure map = new Figure(Row.of("map", "A.b", 1).peer(100).within(0.9, Budget.PEER), 40, 0);
        Report report = new Report(HOST, Optional.of(twiceAsFast), List.of(floor, map));
        assertThat(report.scale()).hasValue(0.5);
        assertThat(report.ratioToPeer(map)).hasValue(0.8);
        assertThat(report.ratioToFloor(map)).hasValue(40.0 / 35);
        assertThat(report.isWithinBudget(map)).isTrue();
        Figure slower = new Figure(map.row(), 46, 0);
        assertThat(report.isWithinBudget(slower)).isFalse();
    }

    @Test
    void withoutACompilerTheFloorInJavaScalesThem() {
        Figure map = new Figure(Row.of("map", "A.b", 1).peer(100), 40, 0);
        Report report = new Report(HOST, Optional.empty(), List.of(floor, map));
        assertThat(report.scale()).hasValue(0.5);
        assertThat(report.ratioToPeer(map)).hasValue(0.8);
        assertThat(report.ratioToPeer(floor)).isEmpty();
        assertThat(report.isWithinBudget(map)).as("no budget").isTrue();
    }

    @Test
    void budgetsMayBeOfTheFloorAndOfOtherRows() {
        Figure split = new Figure(Row.of("split", "A.b", 1).within(1.3, Budget.FLOOR), 42, 0);
        Figure other = new Figure(Row.of("other", "A.b", 1).within(1.05, "split"), 46, 0);
        Report report = new Report(HOST, Optional.empty(), List.of(floor, split, other));
        assertThat(report.ratioOfBudget(split)).hasValue(1.2);
        assertThat(report.isWithinBudget(split)).isTrue();
        assertThat(report.ratioOfBudget(other)).hasValue(46.0 / 42);
        assertThat(report.isWithinBudget(other)).isFalse();
    }

    @Test
    void twoThreadsAreHeldAgainstOneOfTheSameWindow() {
        Row one = Row.of("one", "A.pairs", 1).with("window", Window.OF_4G);
        Row two = Row.of("two", "A.pairs", 1).with("window", Window.OF_4G).threads(2);
        Row other = Row.of("other", "A.pairs", 1).with("window", Window.OF_64M);
        Figure together = new Figure(two, 100, 0);
        Report report =
                new Report(
                        HOST,
                        Optional.empty(),
                        List.of(new Figure(other, 10, 0), new Figure(one, 90, 0), together));
        assertThat(report.speedUp(together)).hasValue(1.8);
    }

    @Test
    void budgetsMayBeOfTime() {
        Row dma = Row.of("DMA", "A.b", 1).within(50, Budget.NANOS);
        Report report = new Report(HOST, Optional.empty(), List.of(floor));
        assertThat(report.isWithinBudget(new Figure(dma, 50, 0))).isTrue();
        assertThat(report.isWithinBudget(new Figure(dma, 51, 0))).isFalse();
    }

    @Test
    void whatTwoThreadsDoIsJudgedWhereTheProcessorsAreFree() {
        assertThat(table(100, 200)).contains("1.80 times the work of one, budget 1.70: ok");
        assertThat(table(120, 200)).contains("1.50 times the work of one, budget 1.70: UNDER");
        assertThat(table(120, 300)).contains("budget 1.70: no verdict");
    }

    private String table(double together, double arithmeticOfTwo) {
        Map<String, Row> rows =
                Rows.all().stream().collect(Collectors.toMap(Row::operation, row -> row));
        List<Figure> figures =
                List.of(
                        floor,
                        new Figure(rows.get("arithmetic, one thread"), 200, 0),
                        new Figure(rows.get("arithmetic, two threads"), arithmeticOfTwo, 0),
                        new Figure(rows.get("mix in 64 MiB, one thread of two"), 90, 0),
                        new Figure(
                                rows.get("mix in 64 MiB, two threads, one domain"), together, 0));
        StringWriter out = new StringWriter();
        new ReportTable(new Report(HOST, Optional.empty(), figures), new PrintWriter(out)).print();
        return out.toString();
    }

    @Test
    void everyRowWithTablesSaysHowManyEmptyOnesStay() {
        assertThat(Rows.all().stream().filter(row -> row.emptyTables().isEmpty()))
                .allSatisfy(row ->
                        assertThat(row.benchmark())
                                .matches("FloorBenchmark.*|ThreadsBenchmark.arithmetic"));
    }

    @Test
    void everyBudgetIsOfSomethingThatIsMeasured() {
        List<String> operations = Rows.all().stream().map(Row::operation).toList();
        assertThat(operations).doesNotHaveDuplicates().contains(Rows.JAVA_FLOOR);
        for (Row row : Rows.all()) {
            row.budget()
                    .filter(budget -> !budget.of().equals(Budget.FLOOR))
                    .filter(budget -> !budget.of().equals(Budget.NANOS))
                    .ifPresent(budget -> {
                        if (budget.of().equals(Budget.PEER)) {
                            assertThat(row.peer()).as(row.operation()).isPresent();
                        } else {
                            assertThat(operations).contains(budget.of());
                        }
                    });
        }
    }
}
