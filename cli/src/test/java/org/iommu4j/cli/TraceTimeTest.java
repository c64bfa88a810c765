package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TraceTimeTest {
    private static final String MAP =
            "map: IOMMU: iova=0x0000000040000000 - 0x0000000040001000 paddr=0x80000000 size=4096\n";

    @ParameterizedTest
    @CsvSource(
            textBlock =
                    """
                    '   kworker/u4:0-8       [000] .....     1.405001: ', 1405001000
                    '          <idle>-0       [000] d.h1.    44.249507: ', 44249507000
                    '  odd 12.5: name-8  [001] d.h1. 123456.000000001: ', 123456000000001
                    'fio  1234 [002]  9876.543210: iommu:', 9876543210000
                    '  a-1 [000] 0.000001: ', 1000
                    '  a-1 [000] 12345678: ', -1
                    '  a-1 [000] 99999999999999999999.5: ', -1
                    """)
    void theTimeOfAnEventIsRead(String prefix, long nanos) throws IOException {
        try (TraceReader reader = Traces.reader(prefix + MAP)) {
            assertThat(reader.next(new TraceEvent())).isTrue();
            assertThat(reader.time()).isEqualTo(nanos);
        }
    }
}
