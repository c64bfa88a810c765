package org.iommu4j.conformance.backend;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.LongUnaryOperator;
import org.iommu4j.api.Access;

/**
 * Walks the tables at every step of a change, as a unit might: at once, and one load a step. What
 * stays mapped must be found where it was; what goes may be found there or not at all.
 */
final class HitlessWatch implements Steps.Step {

    private final Trial trial;
    private final UnitTables tables;
    private final List<Long> stay;
    private final List<Long> go;
    private final LongUnaryOperator outputs;
    private final Access access;
    private final List<UnitTables.Walk> spread = new ArrayList<>();
    private int steps;

    /**
     * Watches addresses.
     *
     * @param trial the trial
     * @param tables what is walked
     * @param stay addresses that stay mapped
     * @param go addresses that are unmapped
     * @param outputs what an address translates to
     * @param access what devices may do there
     */
    HitlessWatch(
            Trial trial,
            UnitTables tables,
            List<Long> stay,
            List<Long> go,
            LongUnaryOperator outputs,
            Access access) {
        this.trial = trial;
        this.tables = tables;
        this.stay = stay;
        this.go = go;
        this.outputs = outputs;
        this.access = access;
    }

    @Override
    public void before(Steps.Kind kind, long address, long value) {
        steps++;
        look();
    }

    private void look() {
        stay.forEach(iova -> require(tables.walk(iova), ""));
        go.forEach(iova -> requireIfFound(tables.walk(iova)));
        for (Iterator<UnitTables.Walk> under = spread.iterator(); under.hasNext(); ) {
            UnitTables.Walk walk = under.next();
            if (walk.step()) {
                require(walk, " to a walk whose loads are spread over several states");
                under.remove();
            }
        }
        stay.forEach(iova -> spread.add(tables.begin(iova)));
    }

    /** Looks at the end, and says how many states there were. */
    void finish() {
        for (int i = 0; i < tables.format().levels(); i++) {
            look();
        }
        trial.evidence.require(steps > 0, () -> "the kit saw no store; is the memory another?");
        trial.evidence.note(steps + " states of memory were walked");
    }

    private void require(UnitTables.Walk walk, String how) {
        long iova = walk.iova();
        String wrong = tables.wrongTableEntry(iova);
        if (!wrong.isEmpty()) {
            throw trial.evidence.broken("at step " + steps + " " + wrong);
        }
        if (walk.output() != outputs.applyAsLong(iova) || !allows(walk)) {
            throw trial.evidence.broken(
                    "at step "
                            + steps
                            + how
                            + ", "
                            + Hex.of(iova)
                            + " stays mapped to "
                            + Hex.of(outputs.applyAsLong(iova))
                            + " ("
                            + access
                            + "), and a unit finds: "
                            + walk);
        }
    }

    private void requireIfFound(UnitTables.Walk walk) {
        if (walk.found() && walk.output() != outputs.applyAsLong(walk.iova())) {
            throw trial.evidence.broken(
                    "at step "
                            + steps
                            + ", "
                            + Hex.of(walk.iova())
                            + " is being unmapped, was mapped to "
                            + Hex.of(outputs.applyAsLong(walk.iova()))
                            + ", and a unit finds: "
                            + walk);
        }
    }

    private boolean allows(UnitTables.Walk walk) {
        Access found = walk.access();
        return found.readable() == access.readable() && found.writable() == access.writable();
    }
}
