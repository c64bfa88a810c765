package org.iommu4j.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.iommu4j.machine.PhysicalMemory.FilePart;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedMemoryTest {

    private static final long G1 = 1L << 30;

    @TempDir private Path folder;

    @BeforeAll
    static void onLinux() {
        assumeTrue(
                System.getProperty("os.name").startsWith("Linux"),
                "files are mapped into memory on Linux only");
    }

    @Test
    void partsOfAFileStandWhereTheyAreAskedFor() throws IOException {
        Path file = fileOf(0x3000);
        List<FilePart> parts =
                List.of(new FilePart(0, 0, 0x1000), new FilePart(G1, 0x1000, 0x2000));
        PhysicalMemory memory = PhysicalMemory.shared(file, G1 + 0x2000, parts);
        memory.storePlain(8, 1);
        memory.storePlain(0x1000, 2);
        memory.storePlain(G1 + 0x1ff8, 3);
        assertThat(wordAt(file, 8)).isEqualTo(1);
        assertThat(wordAt(file, 0x1000)).as("what lies in no part is in no file").isZero();
        assertThat(wordAt(file, 0x2ff8)).isEqualTo(3);
        write(file, 0x1008, 0x2a);
        assertThat(memory.loadPlain(G1 + 8)).isEqualTo(0x2a);
        assertThat(memory.loadPlain(0x1000)).isEqualTo(2);
    }

    @Test
    void theMemoryStaysWhenTheFileIsRemoved() throws IOException {
        Path file = fileOf(0x1000);
        PhysicalMemory memory =
                PhysicalMemory.shared(file, 0x1000, List.of(new FilePart(0, 0, 0x1000)));
        Files.delete(file);
        memory.storePlain(0, 7);
        assertThat(memory.loadPlain(0)).isEqualTo(7);
    }

    @Test
    void whatCannotBeMappedIsRefused() throws IOException {
        Path file = fileOf(0x1000);
        for (FilePart part :
                List.of(
                        new FilePart(0x800, 0, 0x1000),
                        new FilePart(0, 0x10, 0x1000),
                        new FilePart(0, 0, 0),
                        new FilePart(-0x1000, 0, 0x1000),
                        new FilePart(0x1000, 0, 0x1000),
                        new FilePart(0x1000, 0, Long.MAX_VALUE & -0x1000))) {
            assertThatThrownBy(() -> PhysicalMemory.shared(file, 0x1000, List.of(part)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("in a memory of 0x1000 bytes");
        }
        Path absent = folder.resolve("absent");
        assertThatThrownBy(() -> PhysicalMemory.shared(absent, 0x1000, List.of()))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(absent.toString());
    }

    private Path fileOf(long bytes) throws IOException {
        Path file = folder.resolve("memory");
        try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
            opened.setLength(bytes);
        }
        return file;
    }

    private static long wordAt(Path file, long offset) throws IOException {
        try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "r")) {
            opened.seek(offset);
            return Long.reverseBytes(opened.readLong());
        }
    }

    private static void write(Path file, long offset, long word) throws IOException {
        try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
            opened.seek(offset);
            opened.writeLong(Long.reverseBytes(word));
        }
    }
}
