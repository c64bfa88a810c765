package ${package};

import java.util.SortedMap;
import java.util.TreeMap;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatProvider;

/** Provides the formats, for whoever reads tables: inspectors, and the rules as tests. */
public final class FormatProvider implements PageTableFormatProvider {

    /** For the service loader. */
    public FormatProvider() {}

    @Override
    public String name() {
        return BackendProvider.NAME;
    }

    @Override
    public SortedMap<String, PageTableFormat> formats() {
        SortedMap<String, PageTableFormat> formats = new TreeMap<>();
        formats.put("second-stage-4", Formats.FOUR_LEVELS);
        return formats;
    }
}
