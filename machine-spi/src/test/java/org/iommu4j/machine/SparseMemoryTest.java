package org.iommu4j.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Memory that costs only what is touched. */
class SparseMemoryTest {

    private static final Path MAPPINGS = Path.of("/proc/self/smaps");

    static boolean systemHasHugePages() {
        return Files.isDirectory(Path.of("/sys/kernel/mm/transparent_hugepage"))
                && Files.isReadable(MAPPINGS);
    }

    /** Else a system that always uses them makes 2 MiB of every page. */
    @Test
    @EnabledIf(value = "systemHasHugePages", disabledReason = "this system has no huge pages")
    void itIsKeptFromHugePages() throws IOException {
        MemorySegment memory = SparseMemory.map(64 << 20);

        assertThat(flags(memory.address())).contains("nh");
    }

    /** What the system notes of the mapping that holds an address. */
    private static List<String> flags(long address) throws IOException {
        boolean inside = false;
        for (String line : Files.readAllLines(MAPPINGS)) {
            String[] words = line.split("[- ]+");
            if (words[0].matches("[0-9a-f]+")) {
                inside =
                        Long.compareUnsigned(Long.parseUnsignedLong(words[0], 16), address) <= 0
                                && Long.compareUnsigned(
                                                address, Long.parseUnsignedLong(words[1], 16))
                                        < 0;
            } else if (inside && words[0].equals("VmFlags:")) {
                return List.of(words);
            }
        }
        return List.of();
    }
}
