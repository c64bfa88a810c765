package org.iommu4j.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A part of a memory: the same addresses, and nothing else. */
class PhysicalMemoryPartTest {

    private final PhysicalMemory memory = PhysicalMemory.allocate(0x8000);
    private final PhysicalMemory part = memory.part(0x3000, 0x2000);

    @Test
    void aPartHasTheAddressesAndTheLedgerOfTheWhole() {
        part.storePlain(0x3008, 7);
        memory.fill(0x4000, 1, 1, 512);

        assertThat(memory.loadPlain(0x3008)).isEqualTo(7);
        assertThat(part.loadPlain(0x4ff8)).isEqualTo(512);
        assertThat(part.start()).isEqualTo(0x3000);
        assertThat(part.size()).isEqualTo(0x2000);
        assertThat(part.ledger()).isSameAs(memory.ledger());
        assertThat(part.part(0x4000, 0x1000).start()).isEqualTo(0x4000);
    }

    @ParameterizedTest
    @CsvSource({"0", "8", "12280", "20480", "24576", "-8"})
    void outsideOfAPartIsOutside(long address) {
        assertThatThrownBy(() -> part.loadPlain(address))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessageContaining("from 0x3000 to 0x5000");
        assertThatThrownBy(() -> part.fill(address, 0, 0, 1))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void onlyItsPagesAreInAPart() {
        assertThat(part.containsPage(0x2000)).isFalse();
        assertThat(part.containsPage(0x3000)).isTrue();
        assertThat(part.containsPage(0x4000)).isTrue();
        assertThat(part.containsPage(0x5000)).isFalse();
        assertThat(part.containsPage(0)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "0x2000, 0x1000", // before it
        "0x3000, 0x3000", // longer
        "0x5000, 0x1000", // behind it
        "0x3008, 0x1000", // misaligned
        "0x3000, 0", // empty
        "0x3000, -4096",
        "-4096, 0x1000"
    })
    void aPartLiesInside(String from, String bytes) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> part.part(Long.decode(from), Long.decode(bytes)));
    }

    @Test
    void anObserverSeesAPartOfWhatItObserves() {
        long[] seen = new long[1];
        MemoryObserver observer =
                new MemoryObserver() {
                    @Override
                    public void beforeLoad(long address) {
                        seen[0] = address;
                    }
                };

        memory.observedBy(observer).part(0x3000, 0x1000).loadPlain(0x3010);

        assertThat(seen[0]).isEqualTo(0x3010);
    }

    @Test
    void discardedPagesReadAsZeroOrNothingHasChanged() {
        part.storePlain(0x3000, 7);
        part.storePlain(0x4000, 8);
        boolean discarded = part.discard(0x3000, 0x1000);
        assertThat(part.loadPlain(0x3000)).isEqualTo(discarded ? 0 : 7);
        assertThat(part.loadPlain(0x4000)).isEqualTo(8);
        part.storePlain(0x3000, 9);
        assertThat(part.observedBy(new MemoryObserver() {}).discard(0x3000, 0x1000)).isFalse();
        assertThat(part.loadPlain(0x3000)).isEqualTo(9);
        for (long[] wrong :
                new long[][] {{0x2000, 0x1000}, {0x3000, 0x3000}, {0x3008, 0x1000}, {0x3000, 0}}) {
            assertThatThrownBy(() -> part.discard(wrong[0], wrong[1]))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }
}
