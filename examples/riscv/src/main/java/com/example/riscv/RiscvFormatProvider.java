package com.example.riscv;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatProvider;

/** Provides the formats of {@code riscv}, for whoever reads tables without a unit. */
public final class RiscvFormatProvider implements PageTableFormatProvider {

    /** For the service loader. */
    public RiscvFormatProvider() {}

    @Override
    public String name() {
        return RiscvIommuProvider.NAME;
    }

    @Override
    public SortedMap<String, PageTableFormat> formats() {
        UnitCapabilities all = UnitCapabilities.OF_NO_UNIT;
        SortedMap<String, PageTableFormat> formats = new TreeMap<>();
        for (int levels = RiscvFormats.FEWEST_LEVELS;
                levels <= RiscvFormats.MOST_LEVELS;
                levels++) {
            formats.put("first-stage-" + levels, all.firstStage(levels));
            formats.put("second-stage-" + levels, all.secondStage(levels));
        }
        return Collections.unmodifiableSortedMap(formats);
    }
}
