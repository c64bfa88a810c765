package org.iommu4j.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class ProviderParametersTest {

    private static final String LEGAL = "n=1 to 9, s=SIZE up to 1g, t=TIME up to 1s";

    @Test
    void readsNumbersSizesAndTimes() {
        ProviderParameters given = given(Map.of("n", "7", "s", "64k", "t", "10ms", "w", "word"));
        assertThat(given.number("n", 1, 1, 9)).isEqualTo(7);
        assertThat(given.bytes("s", 1, 1, 1 << 30)).isEqualTo(65536);
        assertThat(given.time("t", Duration.ZERO, Duration.ZERO, Duration.ofSeconds(1)))
                .isEqualTo(Duration.ofMillis(10));
        assertThat(given.text("w")).contains("word");
        given.requireAllRead();
    }

    @Test
    void absentOnesAreWhatTheProviderSays() {
        ProviderParameters given = given(Map.of());
        assertThat(given.number("n", 3, 1, 9)).isEqualTo(3);
        assertThat(given.bytes("s", 4096, 1, 1)).isEqualTo(4096);
        assertThat(given.time("t", Duration.ofDays(1), Duration.ZERO, Duration.ZERO))
                .isEqualTo(Duration.ofDays(1));
        assertThat(given.text("w")).isEmpty();
    }

    @Test
    void sizesHaveBinaryUnits() {
        for (Map.Entry<String, Long> size :
                Map.of("5", 5L, "5k", 5L << 10, "5m", 5L << 20, "5g", 5L << 30, "5t", 5L << 40)
                        .entrySet()) {
            assertThat(given(Map.of("s", size.getKey())).bytes("s", 0, 0, Long.MAX_VALUE))
                    .isEqualTo(size.getValue());
        }
    }

    @Test
    void everyMistakeIsRefusedWithWhatIsLegal() {
        refused("n", "0", given -> given.number("n", 1, 1, 9));
        refused("n", "10", given -> given.number("n", 1, 1, 9));
        refused("n", "-1", given -> given.number("n", 1, 1, 9));
        refused("s", "2g", given -> given.bytes("s", 1, 1, 1 << 30));
        refused("s", "1.5k", given -> given.bytes("s", 1, 1, 1 << 30));
        refused("s", "999999999999999t", given -> given.bytes("s", 1, 1, 1 << 30));
        refused("t", "10", given -> time(given));
        refused("t", "2s", given -> time(given));
        refused("x", "1", ProviderParameters::requireAllRead);
    }

    private static void time(ProviderParameters given) {
        Duration time = given.time("t", Duration.ZERO, Duration.ZERO, Duration.ofSeconds(1));
        throw new AssertionError("read as " + time);
    }

    private static void refused(String key, String value, Consumer<ProviderParameters> reading) {
        assertThatThrownBy(() -> reading.accept(given(Map.of(key, value))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("\"policy\" was given {" + key + "=" + value + "}; legal is " + LEGAL);
    }

    private static ProviderParameters given(Map<String, String> parameters) {
        return new ProviderParameters("policy", parameters, LEGAL);
    }
}
