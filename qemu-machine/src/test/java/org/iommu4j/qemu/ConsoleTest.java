package org.iommu4j.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import org.junit.jupiter.api.Test;

class ConsoleTest {

    @Test
    void blockedRequestsAreToldFromMessages() {
        String text =
                """
                qemu-system-x86_64: a message
                vtd_dmar_fault sid 0x8 fault 5 addr 0x400004 write 1
                Invalid write at addr 0x400004, size 4, region '(null)', reason: rejected
                1234@56.7:vtd_dmar_fault sid 0x10 fault 12 addr 0xfffffffffffff000 write 0
                Invalid read at addr 0x60000000, size 4, region '(null)', reason: rejected
                the last words\
                """;
        Console console = new Console(new ByteArrayInputStream(text.getBytes(UTF_8)));
        console.read();
        assertThat(console.takeBlocked())
                .containsExactly(
                        new BlockedRequest(0x400004, 5, true),
                        new BlockedRequest(0x400004, 0, true),
                        new BlockedRequest(-0x1000, 12, false),
                        new BlockedRequest(0x6000_0000, 0, false));
        assertThat(console.takeBlocked()).isEmpty();
        assertThat(console.lastMessages())
                .isEqualTo("qemu-system-x86_64: a message\nthe last words");
    }
}
