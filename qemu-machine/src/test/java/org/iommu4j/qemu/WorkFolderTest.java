package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.iommu4j.machine.MachineFailureException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkFolderTest {

    @TempDir private Path place;

    @Test
    void itIsGoneWhenItIsClosed() throws IOException {
        WorkFolder folder = WorkFolder.create(List.of(place), 1);
        Files.writeString(folder.file("memory"), "x");
        assertThat(folder.path()).isDirectory().hasParent(place);
        folder.close();
        assertThat(place).isEmptyDirectory();
    }

    @Test
    void onlyWhatHasLostItsOwnerIsRemoved() throws IOException {
        Path abandoned = folder("iommu4j-qemu-1-00000000", "owner", "memory");
        Path unproven = folder("iommu4j-qemu-1-00000001", "memory");
        Path foreign = folder("other-qemu-1-00000000", "owner");
        try (WorkFolder first = WorkFolder.create(List.of(place), 1);
                WorkFolder second = WorkFolder.create(List.of(place), 1)) {
            assertThat(abandoned).doesNotExist();
            assertThat(unproven).exists();
            assertThat(foreign).exists();
            assertThat(first.path()).isDirectory().isNotEqualTo(second.path());
        }
    }

    @Test
    void theFirstPlaceWithRoomIsTaken() throws IOException {
        Path absent = place.resolve("absent");
        try (WorkFolder folder = WorkFolder.create(List.of(absent, place), 1)) {
            assertThat(folder.path()).hasParent(place);
        }
        assertThatThrownBy(() -> WorkFolder.create(List.of(place), Long.MAX_VALUE))
                .isInstanceOf(MachineFailureException.class)
                .hasMessageContaining("no room for a memory of 0x7fffffffffffffff bytes")
                .hasMessageContaining(place.toString());
    }

    private Path folder(String name, String... files) throws IOException {
        Path folder = Files.createDirectory(place.resolve(name));
        for (String file : files) {
            Files.writeString(folder.resolve(file), "");
        }
        return folder;
    }
}
