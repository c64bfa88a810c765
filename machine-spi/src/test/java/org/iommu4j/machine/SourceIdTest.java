package org.iommu4j.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class SourceIdTest {

    @Test
    void readsWhatItWrites() {
        assertThat(SourceId.parse("00:02.0"))
                .isEqualTo(new SourceId(0, 0, 2, 0))
                .hasToString("0000:00:02.0");
        assertThat(SourceId.parse("abcd:FF:1f.7"))
                .isEqualTo(new SourceId(0xabcd, 0xff, 31, 7))
                .hasToString("abcd:ff:1f.7");
        assertThat(SourceId.parse("0000:00:02.0").requester()).isEqualTo(0x10);
        assertThat(SourceId.parse("ff:1f.7").requester()).isEqualTo(0xffff);
    }

    @Test
    void refusesWhatIsNoSource() {
        for (String text :
                List.of(
                        "",
                        "02.0",
                        "00:02",
                        "00:02.",
                        "0:00:02.0:1",
                        "00.02:0",
                        "00:+2.0",
                        "00:-0.0",
                        "00:0x2.0",
                        "g:02.0")) {
            assertThatThrownBy(() -> SourceId.parse(text))
                    .as(text)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("\"" + text + "\" is no source id; written as 00:02.0");
        }
        for (String text : List.of("00:20.0", "00:02.8", "100:02.0", "10000:00:02.0")) {
            assertThatThrownBy(() -> SourceId.parse(text))
                    .as(text)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
