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
import java.util.List;
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

    /** Ranges in any order, with gaps, not of whole pages; and zeros behind the last. */
    @Test
    void limeRangesStandInAnyOrder() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(0x8000).order(ByteOrder.LITTLE_ENDIAN);
        limeRange(bytes, HIGH, 0x2000);
        limeRange(bytes, 0x1000, 0x1000);
        limeRange(bytes, 0x10_0000, 0x1400);
        limeRange(bytes, 0x2000, 0x1000);
        int end = bytes.position();
        try (PhysicalImage image = open(Files.write(folder.resolve("lime"), bytes.array()))) {
            assertThat(image.extent())
                    .isEqualTo(
                            "0x1000-0x2000, 0x2000-0x3000, 0x100000-0x101400, 0x100000000-0x100002000");
            assertThat(image.load(0x1000)).isEqualTo(0x1000);
            assertThat(image.load(0x2ff8)).isEqualTo(0x2ff8);
            assertThat(image.load(0x10_13f8)).isEqualTo(0x10_13f8);
            assertThat(image.load(HIGH + 0x1000)).isEqualTo(HIGH + 0x1000);
            assertThat(image.holds(0x3000, 8)).isFalse();
            assertThat(image.nextPage(0x2001)).isEqualTo(0x10_0000);
            assertThat(image.nextPage(0x10_0001)).isEqualTo(HIGH);
            assertThat(image.notes())
                    .containsExactly(
                            "what begins at offset 0x"
                                    + Integer.toHexString(end)
                                    + " is no LiME header, and was left out");
        }
    }

    @Test
    void aLimeDumpThatIsCutOffHoldsWhatIsThere() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(0x3000).order(ByteOrder.LITTLE_ENDIAN);
        limeRange(bytes, 0x1000, 0x2000);
        byte[] cut = Arrays.copyOf(bytes.array(), 32 + 0x1800);
        try (PhysicalImage image = open(Files.write(folder.resolve("lime"), cut))) {
            assertThat(image.bytes()).isEqualTo(0x1800);
            assertThat(image.notes()).containsExactly("the file is cut off inside 0x1000-0x3000");
        }
    }

    @Test
    void aLimeHeaderThatLiesIsRefused() throws IOException {
        ByteBuffer backwards = ByteBuffer.allocate(0x1020).order(ByteOrder.LITTLE_ENDIAN);
        backwards.putInt(0x4c694d45).putInt(1).putLong(0x3000).putLong(0x1fff);
        Path file = Files.write(folder.resolve("lime"), backwards.array());
        assertThatThrownBy(() -> open(file)).hasMessageContaining("0x3000 to 0x1fff");
        backwards.putInt(4, 2);
        Path other = Files.write(folder.resolve("lime2"), backwards.array());
        assertThatThrownBy(() -> open(other)).hasMessageContaining("version 1 was expected");
    }

    @Test
    void compressedDumpsAreRefusedWithWhatToDo() throws IOException {
        Path kdump = Files.writeString(folder.resolve("kdump"), "KDUMP   and so on");
        Path flattened = Files.writeString(folder.resolve("flat"), "makedumpfile and so on");
        Path avml = Files.writeString(folder.resolve("avml"), "AVML and so on");
        for (Path file : List.of(kdump, flattened)) {
            assertThatThrownBy(() -> open(file)).hasMessageContaining("without -z, -l, -s");
        }
        assertThatThrownBy(() -> open(avml)).hasMessageContaining("avml-convert");
    }

    /** Each word of its memory is its own address. */
    private static void limeRange(ByteBuffer bytes, long start, int size) {
        bytes.putInt(0x4c694d45).putInt(1).putLong(start).putLong(start + size - 1).putLong(0);
        for (int i = 0; i < size; i += 8) {
            bytes.putLong(start + i);
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
