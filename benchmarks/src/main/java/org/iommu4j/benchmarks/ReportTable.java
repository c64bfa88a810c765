package org.iommu4j.benchmarks;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.OptionalDouble;

/** Prints a report for a reader. */
final class ReportTable {

    private static final String LINE = "%-46s %10s %7s %7s  %-12s %6s%n";

    private final Report report;
    private final PrintWriter out;

    ReportTable(Report report, PrintWriter out) {
        this.report = report;
        this.out = out;
    }

    void print() {
        Host host = report.host();
        out.printf("%s, %d processors%n", host.processor(), host.processors());
        out.printf("%s, %s%n", host.system(), host.java());
        printFloor();
        out.println();
        out.printf(LINE, "operation", "ns", "x floor", "x peer", "budget", "bytes");
        for (Figure figure : report.figures()) {
            printRow(figure);
        }
        out.println();
        out.println(
                "x floor, x peer: times the floor, times Linux's figure scaled to this machine");
        out.println(
                "budget: times the peer; f: times the floor; d: times the same with a domain each");
        printSpeedUps();
        out.println("not measured yet: " + String.join(", ", Rows.ABSENT));
        out.flush();
    }

    private void printFloor() {
        report.c()
                .ifPresentOrElse(
                        c ->
                                out.printf(
                                        Locale.ROOT,
                                        "floor in C: %.0f ns with a page zeroed, %.0f ns without,"
                                                + " %.0f ns for 262,144 entries%n",
                                        c.zeroed(),
                                        c.taken(),
                                        c.many()),
                        () -> out.println("no C compiler: the floor in Java scales the peers"));
        report.scale()
                .ifPresent(scale ->
                        out.printf(
                                Locale.ROOT,
                                "this machine takes %.2f of the time of the peers' machine%n",
                                scale));
    }

    private void printSpeedUps() {
        for (Figure two : report.figures()) {
            report.speedUp(two)
                    .ifPresent(ratio ->
                            out.printf(
                                    Locale.ROOT,
                                    "%s: %.2f times the work of one%n",
                                    two.row().operation(),
                                    ratio));
        }
    }

    private void printRow(Figure figure) {
        String budget = figure.row().budget().map(limit -> limit(figure, limit)).orElse("");
        out.printf(
                LINE,
                figure.row().operation(),
                nanos(figure.nanos()),
                ratio(report.ratioToFloor(figure)),
                ratio(report.ratioToPeer(figure)),
                budget,
                bytes(figure.bytes()));
    }

    private String limit(Figure figure, Budget budget) {
        String verdict =
                report.ratioOfBudget(figure).isEmpty()
                        ? ""
                        : report.isWithinBudget(figure) ? " ok" : " OVER";
        String of =
                switch (budget.of()) {
                    case Budget.PEER -> "";
                    case Budget.FLOOR -> "f";
                    default -> "d";
                };
        return String.format(Locale.ROOT, "%.2f%s%s", budget.ratio(), of, verdict);
    }

    private static String nanos(double nanos) {
        return String.format(Locale.ROOT, nanos < 1000 ? "%,.1f" : "%,.0f", nanos);
    }

    private static String ratio(OptionalDouble ratio) {
        return ratio.isPresent() ? String.format(Locale.ROOT, "%.2f", ratio.getAsDouble()) : "";
    }

    private static String bytes(double bytes) {
        return String.format(Locale.ROOT, "%.0f", bytes);
    }
}
