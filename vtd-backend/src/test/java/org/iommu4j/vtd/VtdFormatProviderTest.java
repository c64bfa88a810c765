package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatProvider;
import org.junit.jupiter.api.Test;

class VtdFormatProviderTest {

    @Test
    void theFormatsAreTheVeryValuesOfTheBackend() {
        assertThat(PageTableFormatProvider.providers())
                .extracting(PageTableFormatProvider::name)
                .contains("vtd");
        Map<String, PageTableFormat> formats = new VtdFormatProvider().formats();
        assertThat(formats.get("second-stage-4")).isSameAs(VtdFormats.SECOND_STAGE_4);
        assertThat(formats.get("first-stage-5")).isSameAs(VtdFormats.FIRST_STAGE_5);
        assertThat(formats)
                .hasSize(5)
                .allSatisfy(
                        (name, format) -> assertThat(name).endsWith("-stage-" + format.levels()));
    }
}
