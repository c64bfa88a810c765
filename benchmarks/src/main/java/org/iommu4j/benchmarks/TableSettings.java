package org.iommu4j.benchmarks;

import org.iommu4j.api.DomainOptions;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** What every benchmark of tables says, and its row with it: how many emptied ones stay linked. */
@State(Scope.Thread)
public abstract class TableSettings extends Allocation {

    /** How many that are; see {@link DomainOptions#withEmptyTables}. */
    @Param("64")
    public int emptyTables;

    /** For JMH. */
    protected TableSettings() {}

    /** {@return options of a domain with that} */
    DomainOptions options() {
        return DomainOptions.defaults().withEmptyTables(emptyTables);
    }
}
