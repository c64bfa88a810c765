package org.iommu4j.vtd;

import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
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
    private static final List<Integer> ALL_WIDTHS = List.of(39, 48, 57);

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
        return units.stream().allMatch(UnitCapabilities::isCoherent);
    }

    /** {@return true if a unit must be told of entries that were absent before} */
    boolean additionsNeedInvalidation() {
        return units.stream()
                .anyMatch(unit -> unit.cachesAbsentEntries() || unit.needsWriteBufferFlush());
    }

    /** {@return what all units can do} */
    Capabilities capabilities() {
        Set<Feature> features = EnumSet.of(Feature.SECOND_STAGE);
        features.addAll(format(usualWidth()).features());
        if (!units.isEmpty()) {
            features.add(Feature.ATTACH);
            features.add(Feature.FAULT_REPORTING);
            if (isCoherent()) {
                features.add(Feature.COHERENT_WALKS);
            }
        }
        return new Capabilities(commonPageSizes(), commonWidths(), hostAddressWidth, features);
    }

    /**
     * Makes definite what a domain's options leave open.
     *
     * @param options the user's
     * @return options with a width and page sizes
     * @throws IllegalArgumentException if the width is none that any unit has
     * @throws UnsupportedFeatureException if a page size or the stage is none that any unit has
     */
    DomainOptions settled(DomainOptions options) {
        if (options.stage().orElse(Stage.SECOND) == Stage.FIRST) {
            throw new UnsupportedFeatureException(
                    Feature.FIRST_STAGE, "a domain of first-stage tables");
        }
        int width = options.addressWidth() == 0 ? usualWidth() : options.addressWidth();
        if (!anyWidths().contains(width)) {
            throw new IllegalArgumentException(
                    "an address width of " + width + " bits; one of " + anyWidths() + " is legal");
        }
        DomainOptions settled = options.withAddressWidth(width);
        return options.pageSizes() == 0
                ? settled.withPageSizes(commonPageSizes())
                : withGivenPageSizes(settled);
    }

    private DomainOptions withGivenPageSizes(DomainOptions options) {
        long any =
                units.stream()
                        .mapToLong(UnitCapabilities::pageSizes)
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
     * @param width the domain's address width, in bits
     * @return the format with the fewest levels that has it and that units walk: all, or at least
     *     one
     */
    PageTableFormat format(int width) {
        int levels = fewestLevels(width);
        boolean snoop = units.stream().allMatch(UnitCapabilities::controlsSnoop);
        return VtdFormats.secondStage(levels, hostAddressWidth, snoop);
    }

    private int fewestLevels(int width) {
        int[] enough =
                IntStream.rangeClosed(FEWEST_LEVELS, MOST_LEVELS)
                        .filter(levels -> 12 + 9 * levels >= width)
                        .toArray();
        return IntStream.of(enough)
                .filter(levels -> units.stream().allMatch(unit -> unit.walks(levels)))
                .findFirst()
                .orElseGet(() ->
                        IntStream.of(enough)
                                .filter(levels -> anyWalks(levels))
                                .findFirst()
                                .orElseThrow());
    }

    private boolean anyWalks(int levels) {
        return units.stream().anyMatch(unit -> unit.walks(levels));
    }

    private int usualWidth() {
        List<Integer> common = commonWidths();
        return common.stream()
                .filter(width -> width <= USUAL_WIDTH)
                .max(Integer::compare)
                .or(() -> common.stream().findFirst())
                .orElseGet(() -> anyWidths().iterator().next());
    }

    private List<Integer> commonWidths() {
        return anyWidths().stream()
                .filter(width ->
                        units.stream().allMatch(unit -> unit.addressWidths().contains(width)))
                .toList();
    }

    private Collection<Integer> anyWidths() {
        Set<Integer> widths = new TreeSet<>();
        units.forEach(unit -> widths.addAll(unit.addressWidths()));
        return units.isEmpty() ? ALL_WIDTHS : widths;
    }

    private long commonPageSizes() {
        return units.stream()
                .mapToLong(UnitCapabilities::pageSizes)
                .reduce(formatPageSizes(), (a, b) -> a & b);
    }

    private static long formatPageSizes() {
        return VtdFormats.SECOND_STAGE_4.pageSizes();
    }
}
