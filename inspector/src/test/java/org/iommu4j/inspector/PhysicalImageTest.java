package org.iommu4j.inspector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where physical memory is in files of several formats. */
class PhysicalImageTest {
    private static final long HIGH = 0x1_0000_0000L;

    @TempDir private Path folder;

    @Test
    void anElfCoreNamesPhysicalAddresses() throws IOException {
        try (PhysicalImage image = open(elf(56, 4, 0x3000))) {
            assertThat(image.format()).isEqualTo("ELF core");
            assertThat(image.extent()).isEqualTo("0x0-0x1000, 0x100000000-0x100002000");
            assertThat(image.load(0x8)).isEqualTo(0x1008);
            assertThat(image.load(HIGH + 0x10)).isEqualTo(0x2010);
            assertThat(image.holds(0xff8, 8)).isTrue();
            assertThat(image.holds(0x1000, 8)).isFalse();
            assertThat(image.nextPage(1)).isEqualTo(HIGH);
            assertThat(image.nextPage(HIGH + 0x1001)).isEqualTo(PhysicalView.NONE);
            assertThat(image.notes()).isEmpty();
            assertThatThrownBy(() -> image.load(0x5000))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageContaining("0x5000 is not in the image");
        }
    }

    @Test
    void anElfCoreThatIsCutOffHoldsWhatIsThere() throws IOException {
        try (PhysicalImage image = open(elf(56, 4, 0x1800))) {
            assertThat(image.bytes()).isEqualTo(0x1800);
            assertThat(image.notes()).singleElement().asString().contains("cut off");
        }
    }

    @Test
    void brokenElfFilesAreRefused() throws IOException {
        Path program = elf(56, 2, 0x3000);
        Path sizes = elf(55, 4, 0x3000);
        assertThatThrownBy(() -> open(program)).hasMessageContaining("type 2; a core is type 4");
        assertThatThrownBy(() -> open(sizes)).hasMessageContaining("55 bytes each");
        byte[] header = Files.readAllBytes(elf(56, 4, 0x3000));
        Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(header, 100));
        assertThatThrownBy(() -> open(cut)).hasMessageContaining("reach past the end");
    }

    @Test
    void limeRangesFollowEachOther() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(2 * (32 + 0x1000)).order(ByteOrder.LITTLE_ENDIAN);
        for (long start : new long[] {0x1000, HIGH}) {
            bytes.putInt(0x4c694d45).putInt(1).putLong(start).putLong(start + 0xfff).putLong(0);
            bytes.putLong(start + 5).position(bytes.position() + 0xff8);
        }
        try (PhysicalImage image = open(Files.write(folder.resolve("lime"), bytes.array()))) {
            assertThat(image.format()).isEqualTo("LiME");
            assertThat(image.load(0x1000)).isEqualTo(0x1005);
            assertThat(image.load(HIGH)).isEqualTo(HIGH + 5);
        }
    }

    @Test
    void aSparseImageOfSixteenGibibytesIsMappedNotRead() throws IOException {
        Path file = folder.resolve("large");
        try (RandomAccessFile large = new RandomAccessFile(file.toFile(), "rw")) {
            large.setLength(16L << 30);
            large.seek((16L << 30) - 8);
            large.write(1);
        }
        try (PhysicalImage image = open(file)) {
            assertThat(image.bytes()).isEqualTo(16L << 30);
            assertThat(image.load((16L << 30) - 8)).isEqualTo(1);
        }
    }

    private static PhysicalImage open(Path file) {
        return PhysicalImage.open(file, Progress.NONE);
    }

    /** A page at 0 and two at 4 GiB; the words of the memory are its offset plus 0x1000. */
    private Path elf(int headerSize, int type, int memoryBytes) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(0x1000 + memoryBytes).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(0, 0x464c457f).put(4, (byte) 2).put(5, (byte) 1);
        bytes.putShort(16, (short) type).putLong(0x20, 64);
        bytes.putShort(0x36, (short) headerSize).putShort(0x38, (short) 3);
        bytes.putInt(64, 4);
        segment(bytes, 64 + 56, 0x1000, 0, 0x1000);
        segment(bytes, 64 + 112, 0x2000, HIGH, 0x2000);
        for (int at = 0x1000; at < bytes.capacity(); at += 8) {
            bytes.putLong(at, at);
        }
        return Files.write(Files.createTempFile(folder, "core", ""), bytes.array());
    }

    private static void segment(ByteBuffer bytes, int at, long offset, long address, long size) {
        bytes.putInt(at, 1).putLong(at + 8, offset).putLong(at + 0x18, address);
        bytes.putLong(at + 0x20, size).putLong(at + 0x28, size);
    }
}
