package org.iommu4j.vtd;

import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Stage;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.walker.PageTableFormat;

/**
 * What the units of an Iommu allow, all of them together: the formats and options of domains come
 * out of it. Where there is no unit the format is the limit, and a common unit's numbers.
 *
 * <p>Units may differ in mode. What all of them have is offered; what only some have can be asked
 * for, and whether it fits a unit is said when a device of that unit is attached.
 *
 * @param units what each unit says of itself
 * @param hostAddressWidth the width of output addresses, in bits
 */
record UnitLimits(List<UnitCapabilities> units, int hostAddressWidth) {

    private static final int WIDEST_OUTPUT = 52;
    private static final int USUAL_WIDTH = 48;
    private static final int MOST_DOMAIN_ID_BITS = 16;
    private static final int MOST_ORDER = 18;
    private static final int FEWEST_LEVELS = 3;
    private static final int MOST_LEVELS = 5;
    private static final List<Integer> SECOND_WIDTHS = List.of(39, 48, 57);
    private static final List<Integer> FIRST_WIDTHS = List.of(47, 56);

    /** {@return limits without a unit} */
    static UnitLimits none() {
        return new UnitLimits(List.of(), WIDEST_OUTPUT);
    }

    /** {@return the number of bits of a domain id, with which every unit can do} */
    int domainIdBits() {
        return units.stream()
                .mapToInt(UnitCapabilities::domainIdBits)
                .min()
                .orElse(MOST_DOMAIN_ID_BITS);
    }

    /** {@return the largest order of a page-selective request to every unit; -1 if one has none} */
    int maxOrder() {
        return units.stream().mapToInt(UnitCapabilities::maxOrder).min().orElse(MOST_ORDER);
    }

    /** {@return true if every unit snoops the processor's cache} */
    boolean isCoherent() {
        return all(UnitCapabilities::isCoherent);
    }

    /** {@return true if a unit must be told of entries that were absent before} */
    boolean additionsNeedInvalidation() {
        return units.stream()
                .anyMatch(unit -> unit.cachesAbsentEntries() || unit.needsWriteBufferFlush());
    }

    /**
     * Says whether dirty bits can be kept in the tables of a domain.
     *
     * @param stage first or second
     * @return true if a unit can, or there is none
     */
    boolean keepsDirtyBits(Stage stage) {
        return units.isEmpty() || any(unit -> unit.keepsDirtyBits(stage));
    }

    /** {@return what all units can do} */
    Capabilities capabilities() {
        Stage stage = usualStage();
        Set<Feature> features = EnumSet.noneOf(Feature.class);
        features.addAll(format(stage, usualWidth(stage)).features());
        add(features, Feature.FIRST_STAGE, all(unit -> unit.has(Stage.FIRST)));
        add(features, Feature.SECOND_STAGE, all(unit -> unit.has(Stage.SECOND)));
        add(features, Feature.DIRTY_TRACKING, all(unit -> unit.keepsDirtyBits(stage)));
        if (!units.isEmpty()) {
            features.add(Feature.ATTACH);
            features.add(Feature.FAULT_REPORTING);
            add(features, Feature.COHERENT_WALKS, isCoherent());
            add(features, Feature.PASS_THROUGH, all(unit -> unit.has(Stage.PASS_THROUGH)));
            add(features, Feature.PASID, all(unit -> unit.pasidBits() > 0));
            add(features, Feature.PAGE_REQUESTS, all(UnitCapabilities::takesPageRequests));
        }
        return new Capabilities(
                commonPageSizes(stage), commonWidths(stage), hostAddressWidth, features);
    }

    private static void add(Set<Feature> features, Feature feature, boolean has) {
        if (has) {
            features.add(feature);
        }
    }

    private boolean all(Predicate<UnitCapabilities> can) {
        return units.stream().allMatch(can);
    }

    private boolean any(Predicate<UnitCapabilities> can) {
        return units.stream().anyMatch(can);
    }

    /**
     * Makes definite what a domain's options leave open.
     *
     * @param options the user's
     * @return options with a stage and, if that has tables, a width and page sizes
     * @throws IllegalArgumentException if the width is none that any unit has
     * @throws UnsupportedFeatureException if the stage, a page size or page requests are none that
     *     any unit has
     */
    DomainOptions settled(DomainOptions options) {
        Stage stage = options.stage().orElseGet(this::usualStage);
        requireStage(stage);
        DomainOptions settled = options.withStage(stage);
        if (options.pageRequests()) {
            requirePageRequests(stage);
        }
        return stage == Stage.PASS_THROUGH ? settled : withTables(settled, stage);
    }

    private void requireStage(Stage stage) {
        boolean withoutUnits = units.isEmpty() && stage != Stage.PASS_THROUGH;
        if (!withoutUnits && !any(unit -> unit.has(stage))) {
            throw switch (stage) {
                case FIRST ->
                        new UnsupportedFeatureException(
                                Feature.FIRST_STAGE, "a domain of first-stage tables");
                case SECOND ->
                        new UnsupportedFeatureException(
                                Feature.SECOND_STAGE, "a domain of second-stage tables");
                case PASS_THROUGH ->
                        new UnsupportedFeatureException(
                                Feature.PASS_THROUGH, "a domain without tables");
            };
        }
    }

    private void requirePageRequests(Stage stage) {
        if (stage == Stage.PASS_THROUGH) {
            throw new IllegalArgumentException(
                    "a domain without tables takes no page requests: no page is missing there");
        }
        if (!any(UnitCapabilities::takesPageRequests)) {
            throw new UnsupportedFeatureException(
                    Feature.PAGE_REQUESTS, "a domain whose devices may ask for missing pages");
        }
    }

    private DomainOptions withTables(DomainOptions options, Stage stage) {
        int width = options.addressWidth() == 0 ? usualWidth(stage) : options.addressWidth();
        if (!anyWidths(stage).contains(width)) {
            throw new IllegalArgumentException(
                    "an address width of "
                            + width
                            + " bits; one of "
                            + anyWidths(stage)
                            + " is legal"
                            + (stage == Stage.FIRST ? " in the first stage" : ""));
        }
        DomainOptions settled = options.withAddressWidth(width);
        return options.pageSizes() == 0
                ? settled.withPageSizes(commonPageSizes(stage))
                : withGivenPageSizes(settled, stage);
    }

    private DomainOptions withGivenPageSizes(DomainOptions options, Stage stage) {
        long any =
                units.stream()
                        .mapToLong(unit -> unit.pageSizes(stage))
                        .reduce(units.isEmpty() ? formatPageSizes() : 0, (a, b) -> a | b);
        if ((options.pageSizes() & formatPageSizes() & ~any) != 0) {
            throw new UnsupportedFeatureException(
                    Feature.PAGE_SIZES,
                    "a domain with the page sizes 0x"
                            + Long.toHexString(options.pageSizes())
                            + ", OR-ed together, where the remapping units have 0x"
                            + Long.toHexString(any));
        }
        return options;
    }

    /**
     * Returns how the units read the tables of a domain.
     *
     * @param stage first or second
     * @param width the domain's address width, in bits
     * @return the format with the fewest levels that has it and that units walk: all, or at least
     *     one
     */
    PageTableFormat format(Stage stage, int width) {
        int levels = fewestLevels(stage, width);
        if (stage == Stage.FIRST) {
            return VtdFormats.firstStage(
                    levels, hostAddressWidth, all(UnitCapabilities::walksCoherently));
        }
        return VtdFormats.secondStage(
                levels, hostAddressWidth, all(UnitCapabilities::controlsSnoop));
    }

    private int fewestLevels(Stage stage, int width) {
        int unused = stage == Stage.FIRST ? 1 : 0;
        int[] enough =
                IntStream.rangeClosed(
                                stage == Stage.FIRST ? FEWEST_LEVELS + 1 : FEWEST_LEVELS,
                                MOST_LEVELS)
                        .filter(levels -> 12 + 9 * levels - unused >= width)
                        .toArray();
        return IntStream.of(enough)
                .filter(levels -> all(unit -> unit.walks(stage, levels)))
                .findFirst()
                .orElseGet(() ->
                        IntStream.of(enough)
                                .filter(levels -> any(unit -> unit.walks(stage, levels)))
                                .findFirst()
                                .orElseThrow());
    }

    /** The second stage where every unit has it. */
    private Stage usualStage() {
        return all(unit -> unit.has(Stage.SECOND)) ? Stage.SECOND : Stage.FIRST;
    }

    private int usualWidth(Stage stage) {
        List<Integer> common = commonWidths(stage);
        return common.stream()
                .filter(width -> width <= USUAL_WIDTH)
                .max(Integer::compare)
                .or(() -> common.stream().findFirst())
                .orElseGet(() -> anyWidths(stage).iterator().next());
    }

    private List<Integer> commonWidths(Stage stage) {
        return anyWidths(stage).stream()
                .filter(width -> all(unit -> unit.addressWidths(stage).contains(width)))
                .toList();
    }

    private Collection<Integer> anyWidths(Stage stage) {
        if (units.isEmpty()) {
            return stage == Stage.FIRST ? FIRST_WIDTHS : SECOND_WIDTHS;
        }
        Set<Integer> widths = new TreeSet<>();
        units.stream()
                .filter(unit -> unit.has(stage))
                .forEach(unit -> widths.addAll(unit.addressWidths(stage)));
        return widths;
    }

    private long commonPageSizes(Stage stage) {
        return units.stream()
                .mapToLong(unit -> unit.pageSizes(stage))
                .reduce(formatPageSizes(), (a, b) -> a & b);
    }

    /** The first stage has the same. */
    private static long formatPageSizes() {
        return VtdFormats.SECOND_STAGE_4.pageSizes();
    }
}
