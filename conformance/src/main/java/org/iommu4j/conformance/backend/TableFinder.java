package org.iommu4j.conformance.backend;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.iommu4j.api.Access;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatProvider;

/**
 * Finds where the tables of a domain are, and of which format, from nothing but the pages that the
 * backend has taken: one page is mapped, and what leads to it from a taken page is the domain's.
 */
final class TableFinder {

    private final Trial trial;
    private final NotedDomain domain;
    private final long iova;
    private final long output;

    private TableFinder(Trial trial, NotedDomain domain) {
        this.trial = trial;
        this.domain = domain;
        this.iova = trial.place() + 0xa0_3000;
        this.output = trial.output() + 7 * trial.page();
    }

    static UnitTables find(
            Trial trial, NotedDomain domain, List<PageTableFormatProvider> providers) {
        if (providers.isEmpty()) {
            throw trial.evidence.skip(
                    "there is no PageTableFormatProvider of the backend's name, so the kit cannot"
                            + " read its tables");
        }
        TableFinder finder = new TableFinder(trial, domain);
        List<PageTableFormat> formats = new ArrayList<>();
        providers.forEach(provider -> formats.addAll(provider.formats().values()));
        return finder.find(formats);
    }

    /** Of several that fit, that of the most levels: the others begin below its root. */
    private UnitTables find(List<PageTableFormat> formats) {
        domain.map(iova, output, trial.page(), Access.READ_WRITE);
        List<Long> pages = List.copyOf(trial.pages().lent());
        Optional<UnitTables> found =
                formats.stream()
                        .flatMap(format -> pages.stream().map(page -> tables(format, page)))
                        .filter(this::fits)
                        .max(Comparator.comparingInt(tables -> tables.format().levels()));
        domain.unmap(iova, trial.page());
        return found.orElseThrow(() ->
                trial.evidence.broken(
                        "M1",
                        "none of "
                                + formats
                                + " reads, from any page that the backend took, that "
                                + Hex.of(iova)
                                + " is mapped to "
                                + Hex.of(output)));
    }

    private UnitTables tables(PageTableFormat format, long root) {
        return new UnitTables(format, trial.memory(), root);
    }

    private boolean fits(UnitTables tables) {
        PageTableFormat format = tables.format();
        if (iova >>> format.shift(format.levels()) != 0) {
            return false;
        }
        UnitTables.Walk walk = tables.begin(iova);
        while (!walk.step()) {
            if (!trial.pages().isLent(format.tableAddress(walk.entry()))) {
                return false;
            }
        }
        return walk.found()
                && walk.output() == output
                && withoutUse(format, walk.entry())
                        == withoutUse(
                                format,
                                output >>> format.addressShift()
                                        | format.leafBits(Access.READ_WRITE, walk.level()))
                && !tables.walk(iova + trial.page()).found();
    }

    /* Hardware may have set these bits, and leaves of some formats are born with them. */
    private static long withoutUse(PageTableFormat format, long entry) {
        return entry & ~format.accessedMask() & ~format.dirtyMask();
    }
}
