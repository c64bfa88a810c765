package org.iommu4j.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.tukaani.xz.XZInputStream;

/** The real images of guests' memory, with what an independent program read out of them. */
final class Images {
    static final String IOMMUFD = "lab-legacy-iommufd";
    static final String FIRST_STAGE = "lab-scalable-firststage-nvme-forcedac";

    private Images() {}

    /** Their names. */
    static List<String> names() {
        return List.of(
                IOMMUFD, "lab-legacy-nvme-e1000e", "lab-scalable-secondstage-nvme", FIRST_STAGE);
    }

    /** Copies one into a folder, as it is or unpacked. */
    static Path copy(String name, Path folder, boolean unpacked) {
        Path file = folder.resolve(name + (unpacked ? ".raw" : ".raw.xz"));
        try (InputStream stored = resource(name + ".raw.xz");
                InputStream in = unpacked ? new XZInputStream(stored) : stored) {
            Files.copy(in, file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    /** What an independent program says is in one: each member by its path. */
    static Map<String, String> truth(String name) {
        return new CommandRun(0, text(name + ".json"), "").json();
    }

    /** The kernel's own dump of the tables of one device. */
    static List<String> kernelDump() {
        try (InputStream in = new XZInputStream(resource(IOMMUFD + ".kernel-debugfs.txt.xz"))) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII).lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(String name) {
        try (InputStream in = resource(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream resource(String name) {
        return Objects.requireNonNull(Images.class.getResourceAsStream("images/" + name), name);
    }
}
