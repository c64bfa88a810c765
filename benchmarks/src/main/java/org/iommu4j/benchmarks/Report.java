package org.iommu4j.benchmarks;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * All that a run found out.
 *
 * @param host where
 * @param c the floor in C, if there is a compiler
 * @param figures what was measured, in the order of the rows
 */
record Report(Host host, Optional<CFloor> c, List<Figure> figures) {

    /** The floor in Java on the peers' machine, for machines without a compiler. */
    private static final double PEER_JAVA_FLOOR = 70;

    /** How many times as long as on the peers' machine something takes here. */
    OptionalDouble scale() {
        if (c.isPresent()) {
            return OptionalDouble.of(c.get().scale());
        }
        OptionalDouble floor = nanos(Rows.JAVA_FLOOR);
        return floor.isPresent() ? OptionalDouble.of(floor.getAsDouble() / PEER_JAVA_FLOOR) : floor;
    }

    OptionalDouble ratioToFloor(Figure figure) {
        return ratio(figure, nanos(Rows.JAVA_FLOOR));
    }

    OptionalDouble ratioToPeer(Figure figure) {
        return ratio(figure, peer(figure));
    }

    /** What the row's budget limits, if there is one and its reference was measured. */
    OptionalDouble ratioOfBudget(Figure figure) {
        if (figure.row().budget().isEmpty()) {
            return OptionalDouble.empty();
        }
        String of = figure.row().budget().get().of();
        return switch (of) {
            case Budget.PEER -> ratioToPeer(figure);
            case Budget.FLOOR -> ratioToFloor(figure);
            case Budget.NANOS -> OptionalDouble.of(figure.nanos());
            default -> ratio(figure, nanos(of));
        };
    }

    /** Whether a row keeps its budget; true without one. */
    boolean isWithinBudget(Figure figure) {
        OptionalDouble ratio = ratioOfBudget(figure);
        return ratio.isEmpty() || ratio.getAsDouble() <= figure.row().budget().get().limit();
    }

    /** How much more two threads do than one, of a row with two threads. */
    OptionalDouble speedUp(Figure figure) {
        Row row = figure.row();
        return figures.stream()
                .filter(one -> one.row().threads() == 1 && row.threads() == 2)
                .filter(one -> one.row().benchmark().equals(row.benchmark()))
                .filter(one -> place(one).equals(place(figure)))
                .mapToDouble(one -> row.threads() * one.nanos() / figure.nanos())
                .findFirst();
    }

    /** How much more two threads do than one where nothing is shared, if it was measured. */
    OptionalDouble speedUpOfArithmetic() {
        return figures.stream()
                .filter(figure -> figure.row().operation().equals(ThreadRows.ARITHMETIC_OF_TWO))
                .map(this::speedUp)
                .findFirst()
                .orElse(OptionalDouble.empty());
    }

    private static Map<String, String> place(Figure figure) {
        Map<String, String> parameters = new HashMap<>(figure.row().parameters());
        parameters.remove("sharing");
        return parameters;
    }

    private OptionalDouble peer(Figure figure) {
        OptionalDouble peer = figure.row().peer();
        OptionalDouble scale = scale();
        return peer.isPresent() && scale.isPresent()
                ? OptionalDouble.of(peer.getAsDouble() * scale.getAsDouble())
                : OptionalDouble.empty();
    }

    private OptionalDouble nanos(String operation) {
        return figures.stream()
                .filter(figure -> figure.row().operation().equals(operation))
                .mapToDouble(Figure::nanos)
                .findFirst();
    }

    private static OptionalDouble ratio(Figure figure, OptionalDouble reference) {
        return reference.isPresent()
                ? OptionalDouble.of(figure.nanos() / reference.getAsDouble())
                : OptionalDouble.empty();
    }
}
