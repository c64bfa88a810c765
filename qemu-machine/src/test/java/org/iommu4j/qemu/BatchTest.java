package org.iommu4j.qemu;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BatchTest {

    @Test
    void commandsAreLinesWithUnsignedNumbers() {
        Batch batch =
                new Batch()
                        .write8(0, -1)
                        .write16(0x10, 0x12345)
                        .write32(0xfed9_0000L, -1)
                        .write64(-1, 1L << 63)
                        .read32(0xf)
                        .read64(0x100)
                        .out32(0xcf8, 1 << 31)
                        .in32(0xcfc);
        assertThat(US_ASCII.decode(batch.bytes()).toString())
                .isEqualTo(
                        """
                        writeb 0x0 0xff
                        writew 0x10 0x2345
                        writel 0xfed90000 0xffffffff
                        writeq 0xffffffffffffffff 0x8000000000000000
                        readl 0xf
                        readq 0x100
                        outl 0xcf8 0x80000000
                        inl 0xcfc
                        """);
        assertThat(batch.commands()).isEqualTo(8);
        assertThat(batch)
                .hasToString(
                        "writeb 0x0 0xff; writew 0x10 0x2345; writel 0xfed90000"
                                + " 0xffffffff; writeq 0xffffffffffffffff 0x8000000000000000; and 4 more");
    }

    @Test
    void theTextGrows() {
        Batch batch = new Batch();
        for (int i = 0; i < 1000; i++) {
            batch.write64(-1, i);
        }
        assertThat(batch.commands()).isEqualTo(1000);
        assertThat(US_ASCII.decode(batch.bytes()).toString().lines())
                .hasSize(1000)
                .last()
                .isEqualTo("writeq 0xffffffffffffffff 0x3e7");
    }
}
