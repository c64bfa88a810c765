package org.iommu4j.cli.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemorySizeTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0, 0",
        "1, 1, 1",
        "4095, 4095, 4095",
        "4096, 4096, 4k",
        "512m, 536870912, 512m",
        "1024M, 1073741824, 1g",
        "1T, 1099511627776, 1t",
        "1536m, 1610612736, 1536m",
    })
    void readsAndWritesAmounts(String text, long bytes, String written) {
        assertThat(MemorySize.parse(text)).isEqualTo(bytes);
        assertThat(MemorySize.text(bytes)).isEqualTo(written);
        assertThat(MemorySize.parse(written)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "g",
                "-1g",
                "1.5g",
                "1gb",
                "1 g",
                "0x10",
                "5000000t",
                "9999999999999999"
            })
    void refusesWhatIsNone(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MemorySize.parse(text))
                .withMessage("\"" + text + "\" is no amount of memory; 512m, 1g and 1t are");
    }
}
