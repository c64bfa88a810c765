package com.example.riscv;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Stage;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.walker.PageTableFormat;

/**
 * What domains may be, with a unit or without one.
 *
 * @param unit what the unit says of itself
 * @param hasUnit false for page tables without hardware
 * @param hostAddressWidth the width of output addresses, in bits
 */
record UnitLimits(UnitCapabilities unit, boolean hasUnit, int hostAddressWidth) {

    private static final int USUAL_LEVELS = 4;

    Capabilities capabilities() {
        PageTableFormat usual = format(preferred(), DomainOptions.defaults());
        Set<Feature> features = EnumSet.copyOf(usual.features());
        if (unit.hasAnyFirstStage()) {
            features.add(Feature.FIRST_STAGE);
        }
        if (unit.hasAnySecondStage()) {
            features.add(Feature.SECOND_STAGE);
        }
        if (hasUnit) {
            features.add(Feature.ATTACH);
            features.add(Feature.FAULT_REPORTING);
            features.add(Feature.COHERENT_WALKS);
        }
        List<Integer> widths =
                levels(preferred()).mapToObj(n -> format(preferred(), n).addressWidth()).toList();
        return new Capabilities(usual.pageSizes(), widths, hostAddressWidth, features);
    }

    /**
     * Says which kind of tables a domain gets.
     *
     * @throws UnsupportedFeatureException if the unit does not have it
     */
    Stage stage(DomainOptions options) {
        if (options.pageRequests()) {
            throw new UnsupportedFeatureException(
                    Feature.PAGE_REQUESTS, "a domain whose devices may ask for pages");
        }
        Stage stage = options.stage().orElse(preferred());
        if (stage == Stage.PASS_THROUGH) {
            throw new UnsupportedFeatureException(Feature.PASS_THROUGH, "a domain without tables");
        }
        if (levels(stage).findAny().isEmpty()) {
            throw new UnsupportedFeatureException(
                    stage == Stage.FIRST ? Feature.FIRST_STAGE : Feature.SECOND_STAGE,
                    "a domain of tables that the IOMMU does not walk");
        }
        return stage;
    }

    /**
     * Finds the format of a domain: of those wide enough the one with the fewest levels, and four
     * levels, or what comes nearest, if the width is left open.
     *
     * @throws IllegalArgumentException if none is wide enough
     */
    PageTableFormat format(Stage stage, DomainOptions options) {
        List<PageTableFormat> formats =
                levels(stage).mapToObj(levels -> format(stage, levels)).toList();
        int width = options.addressWidth();
        if (width == 0) {
            return formats.stream()
                    .filter(format -> format.levels() <= USUAL_LEVELS)
                    .reduce((_, larger) -> larger)
                    .orElse(formats.getFirst());
        }
        return formats.stream()
                .filter(format -> format.addressWidth() >= width)
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException(
                                "an address width of "
                                        + width
                                        + " bits; "
                                        + formats.getLast().addressWidth()
                                        + " at most are legal"));
    }

    private Stage preferred() {
        return unit.hasAnyFirstStage() ? Stage.FIRST : Stage.SECOND;
    }

    private PageTableFormat format(Stage stage, int levels) {
        return stage == Stage.FIRST ? unit.firstStage(levels) : unit.secondStage(levels);
    }

    private IntStream levels(Stage stage) {
        return UnitCapabilities.allLevels()
                .filter(n -> stage == Stage.FIRST ? unit.hasFirstStage(n) : unit.hasSecondStage(n));
    }
}
