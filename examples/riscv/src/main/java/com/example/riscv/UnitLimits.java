package com.example.riscv;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
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
        PageTableFormat usual = format(preferred(0), DomainOptions.defaults());
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
                Stream.of(Stage.FIRST, Stage.SECOND)
                        .flatMap(stage -> formats(stage).stream())
                        .map(PageTableFormat::addressWidth)
                        .toList();
        return new Capabilities(usual.pageSizes(), widths, hostAddressWidth, features);
    }

    /**
     * Says which kind of tables a domain gets: if that is left open, first-stage ones, unless only
     * second-stage ones have its width.
     *
     * @throws UnsupportedFeatureException if the unit does not have it
     */
    Stage stage(DomainOptions options) {
        if (options.pageRequests()) {
            throw new UnsupportedFeatureException(
                    Feature.PAGE_REQUESTS, "a domain whose devices may ask for pages");
        }
        Stage stage = options.stage().orElseGet(() -> preferred(options.addressWidth()));
        if (stage == Stage.PASS_THROUGH) {
            throw new UnsupportedFeatureException(Feature.PASS_THROUGH, "a domain without tables");
        }
        if (formats(stage).isEmpty()) {
            throw new UnsupportedFeatureException(
                    stage == Stage.FIRST ? Feature.FIRST_STAGE : Feature.SECOND_STAGE,
                    "a domain of tables that the IOMMU does not walk");
        }
        return stage;
    }

    /**
     * Finds the format of a domain: the one of its width, and if that is left open, four levels or
     * what comes nearest.
     *
     * @throws IllegalArgumentException if none has that width
     */
    PageTableFormat format(Stage stage, DomainOptions options) {
        List<PageTableFormat> formats = formats(stage);
        int width = options.addressWidth();
        if (width == 0) {
            return formats.stream()
                    .filter(format -> format.levels() <= USUAL_LEVELS)
                    .reduce((_, larger) -> larger)
                    .orElse(formats.getFirst());
        }
        return formats.stream()
                .filter(format -> format.addressWidth() == width)
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException(
                                "an address width of "
                                        + width
                                        + " bits; one of "
                                        + formats.stream()
                                                .map(PageTableFormat::addressWidth)
                                                .toList()
                                        + " is legal"));
    }

    private Stage preferred(int width) {
        boolean onlySecond = !hasWidth(Stage.FIRST, width) && hasWidth(Stage.SECOND, width);
        return unit.hasAnyFirstStage() && !onlySecond ? Stage.FIRST : Stage.SECOND;
    }

    private boolean hasWidth(Stage stage, int width) {
        return formats(stage).stream().anyMatch(format -> format.addressWidth() == width);
    }

    /** The formats of a stage that the unit walks, those with the fewest levels first. */
    private List<PageTableFormat> formats(Stage stage) {
        return stage == Stage.FIRST
                ? UnitCapabilities.allLevels()
                        .filter(unit::hasFirstStage)
                        .mapToObj(unit::firstStage)
                        .toList()
                : UnitCapabilities.allLevels()
                        .filter(unit::hasSecondStage)
                        .mapToObj(unit::secondStage)
                        .toList();
    }
}
