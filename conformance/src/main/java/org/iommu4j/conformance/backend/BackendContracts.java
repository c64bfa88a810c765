package org.iommu4j.conformance.backend;

import java.util.List;
import java.util.stream.Stream;
import org.iommu4j.conformance.Contract;

/** What every backend keeps: one contract at least for each rule of the specification. */
public final class BackendContracts {

    private static final List<Contract<BackendUnderTest>> ALL =
            Stream.of(
                            MappingContracts.all(),
                            LimitContracts.all(),
                            UnmapContracts.all(),
                            SplitContracts.all(),
                            RaceContracts.all(),
                            GatherContracts.all(),
                            InvalidationContracts.all(),
                            CoalesceContracts.all(),
                            DirtyContracts.all(),
                            FaultContracts.all(),
                            LifeCycleContracts.all(),
                            ThreadContracts.all())
                    .flatMap(List::stream)
                    .toList();

    private BackendContracts() {}

    /** {@return the contracts} */
    public static List<Contract<BackendUnderTest>> all() {
        return ALL;
    }
}
