package org.iommu4j.vtd;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatProvider;

/** Provides the formats of {@code vtd}, the very values that its page tables are made with. */
public final class VtdFormatProvider implements PageTableFormatProvider {

    private static final int RANK = 100;

    private static final SortedMap<String, PageTableFormat> FORMATS = named();

    /** For the service loader. */
    public VtdFormatProvider() {}

    @Override
    public String name() {
        return VtdIommuProvider.NAME;
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public SortedMap<String, PageTableFormat> formats() {
        return FORMATS;
    }

    private static SortedMap<String, PageTableFormat> named() {
        SortedMap<String, PageTableFormat> formats = new TreeMap<>();
        formats.put("second-stage-3", VtdFormats.SECOND_STAGE_3);
        formats.put("second-stage-4", VtdFormats.SECOND_STAGE_4);
        formats.put("second-stage-5", VtdFormats.SECOND_STAGE_5);
        formats.put("first-stage-4", VtdFormats.FIRST_STAGE_4);
        formats.put("first-stage-5", VtdFormats.FIRST_STAGE_5);
        return Collections.unmodifiableSortedMap(formats);
    }
}
