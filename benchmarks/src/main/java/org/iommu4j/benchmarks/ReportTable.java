package org.iommu4j.benchmarks;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.OptionalDouble;

/** Prints a report for a reader. */
final class ReportTable {

    private static final String LINE = "%-49s %10s %7s %7s  %-12s %6s %6s%n";

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
        out.printf(LINE, "operation", "ns", "x floor", "x peer", "budget", "bytes", "empty");
        for (Figure figure : report.figures()) {
            printRow(figure);
        }
        out.println();
        out.println(
                "x floor, x peer: times the floor, times Linux's figure scaled to this machine");
        out.println(
                "budget: times the peer; f: times the floor; d: times the same with a domain each;"
                        + " ns: nanoseconds");
        out.println("bytes: of Java heap; empty: how many emptied tables may stay linked");
        printSpeedUps();
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
                                    "%s: %.2f times the work of one%s%n",
                                    two.row().operation(),
                                    ratio,
                                    limitOfSpeedUp(two, ratio)));
        }
    }

    private String limitOfSpeedUp(Figure two, double ratio) {
        OptionalDouble free = report.speedUpOfArithmetic();
        if (two.row().budget().isEmpty() || !ThreadRows.isMix(two.row()) || free.isEmpty()) {
            return "";
        }
        String verdict =
                free.getAsDouble() < ThreadRows.SPEED_UP_OF_ARITHMETIC
                        ? "no verdict, the processors are not free"
                        : ratio >= ThreadRows.SPEED_UP ? "ok" : "UNDER";
        return String.format(Locale.ROOT, ", budget %.2f: %s", ThreadRows.SPEED_UP, verdict);
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
                bytes(figure.bytes()),
                figure.row().emptyTables().orElse(""));
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
                    case Budget.NANOS -> "ns";
                    default -> "d";
                };
        String number = budget.of().equals(Budget.NANOS) ? "%.0f" : "%.2f";
        return String.format(Locale.ROOT, number + "%s%s", budget.limit(), of, verdict);
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
