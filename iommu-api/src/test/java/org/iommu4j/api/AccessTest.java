package org.iommu4j.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AccessTest {

    @Test
    void everyCombinationIsAValueOfItsOwn() {
        Set<Access> all = new HashSet<>();
        for (Access rights :
                new Access[] {Access.READ, Access.WRITE, Access.READ_WRITE, Access.of(0, 0)}) {
            for (MemoryType type : MemoryType.values()) {
                for (int software : new int[] {0, 1, 0x80, Access.MAX_SOFTWARE}) {
                    Access plain = rights.withMemoryType(type).withSoftware(software);
                    for (Access access :
                            new Access[] {
                                plain,
                                plain.withSnoop(),
                                plain.withExecuteDisabled(),
                                plain.withSnoop().withExecuteDisabled()
                            }) {
                        assertThat(all.add(access)).isTrue();
                        assertThat(access.readable()).isEqualTo(rights.readable());
                        assertThat(access.writable()).isEqualTo(rights.writable());
                        assertThat(access.memoryType()).isEqualTo(type);
                        assertThat(access.software()).isEqualTo(software);
                        assertThat(access.index()).isBetween(0, Access.INDEXES - 1);
                        assertThat(Access.of(access.index(), access.software()))
                                .isEqualTo(access)
                                .hasSameHashCodeAs(access);
                    }
                }
            }
        }
        assertThat(all).hasSize(4 * 6 * 4 * 4);
    }

    @Test
    void attributesCanBeReplaced() {
        Access access = Access.READ.withSoftware(0xff).withMemoryType(MemoryType.WRITE_BACK);
        assertThat(access.withSoftware(1).software()).isEqualTo(1);
        assertThat(access.withMemoryType(MemoryType.UNCACHEABLE).memoryType())
                .isEqualTo(MemoryType.UNCACHEABLE);
        assertThat(access.withMemoryType(MemoryType.DEFAULT).withSoftware(0))
                .isEqualTo(Access.READ);
    }

    @Test
    void whatIsOutOfRangeIsRefused() {
        assertThatThrownBy(() -> Access.READ.withSoftware(0x100))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("software bits 0x100; 0 to 0xff are legal");
        assertThatThrownBy(() -> Access.READ.withSoftware(-1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Access.of(Access.INDEXES, 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Access.of(0x60, 0)).hasMessage("no access has index 0x60");
    }

    @Test
    void readsAsWords() {
        assertThat(Access.READ).hasToString("read-only");
        assertThat(Access.of(0, 0)).hasToString("no access");
        assertThat(
                        Access.READ_WRITE
                                .withSnoop()
                                .withExecuteDisabled()
                                .withMemoryType(MemoryType.WRITE_BACK)
                                .withSoftware(0x1f))
                .hasToString("read-write, execute-disable, snoop, WRITE_BACK, software 0x1f");
    }
}
