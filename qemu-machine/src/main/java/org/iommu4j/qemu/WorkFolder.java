package org.iommu4j.qemu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.machine.MachineFailureException;

/*
 * A folder belongs to whoever holds the lock on the file "owner" in it; the system takes the lock from a process that ends,
 * however it ends. The file gets its name only when it is locked, so a folder whose owner file can be locked has lost its
 * owner. A lock is also lost when its process closes any other channel of the same file: so nobody looks into a folder that
 * bears the number of this process, and one that has no owner file is left alone.
 */

/**
 * The files of one machine: its memory, its cards, its socket. In memory if there is room, and gone
 * when it is closed; what a process that was killed has left is removed by the next one.
 */
final class WorkFolder implements AutoCloseable {

    private static final Logger LOG = LogManager.getLogger(WorkFolder.class);
    private static final String PREFIX = "iommu4j-qemu-";
    private static final Path OURSELVES = Path.of("/proc/self");
    private static final String OWNER = "owner";
    private static final String OWNER_TO_BE = "owner-to-be";

    private final Path folder;
    private final FileChannel owner;

    private WorkFolder(Path folder, FileChannel owner) {
        this.folder = folder;
        this.owner = owner;
    }

    /**
     * Makes a folder, and removes those whose owners are gone.
     *
     * @param bytes how much will stand in it
     * @return the folder
     * @throws MachineFailureException if there is no room for it, or it cannot be made
     */
    static WorkFolder create(long bytes) {
        return create(
                List.of(Path.of("/dev/shm"), Path.of(System.getProperty("java.io.tmpdir", "/tmp"))),
                bytes);
    }

    /** The same, in the first of some places that has room. */
    static WorkFolder create(List<Path> places, long bytes) {
        for (Path place : places) {
            if (Files.isWritable(place)) {
                removeAbandoned(place);
                if (hasRoom(place, bytes)) {
                    return in(place);
                }
            }
        }
        throw new MachineFailureException(
                "no room for a memory of 0x"
                        + Long.toHexString(bytes)
                        + " bytes in any of "
                        + places);
    }

    Path path() {
        return folder;
    }

    Path file(String name) {
        return folder.resolve(name);
    }

    @Override
    public void close() {
        if (!owner.isOpen()) {
            return;
        }
        remove(folder);
        try {
            owner.close();
        } catch (IOException e) {
            LOG.debug("closing the lock of {}", folder, e);
        }
    }

    private static boolean hasRoom(Path place, long bytes) {
        try {
            return Files.getFileStore(place).getUsableSpace() >= bytes;
        } catch (IOException e) {
            LOG.debug("how much room has {}?", place, e);
            return false;
        }
    }

    private static WorkFolder in(Path place) {
        String random = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());
        Path folder = place.resolve(PREFIX + ProcessHandle.current().pid() + "-" + random);
        try {
            Files.createDirectory(
                    folder,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
            Path name = folder.resolve(OWNER_TO_BE);
            FileChannel owner =
                    FileChannel.open(name, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            FileLock lock = owner.lock();
            LOG.debug("{} is ours by {}", folder, lock);
            Files.move(name, folder.resolve(OWNER), StandardCopyOption.ATOMIC_MOVE);
            return new WorkFolder(folder, owner);
        } catch (IOException e) {
            throw new MachineFailureException("cannot make the folder " + folder, e);
        }
    }

    /** Removes the folders of processes that are gone. */
    private static void removeAbandoned(Path place) {
        String ours = PREFIX + ProcessHandle.current().pid() + "-";
        try (DirectoryStream<Path> found = Files.newDirectoryStream(place, PREFIX + "*")) {
            for (Path each : found) {
                if (!each.getFileName().toString().startsWith(ours) && isAbandoned(each)) {
                    LOG.info("removing {}, whose owner is gone", each);
                    remove(each);
                }
            }
        } catch (IOException e) {
            LOG.debug("looking for abandoned folders in {}", place, e);
        }
    }

    private static boolean isAbandoned(Path each) {
        Path name = each.resolve(OWNER);
        if (!Files.isRegularFile(name) || !isMine(each)) {
            return false;
        }
        try (FileChannel channel = FileChannel.open(name, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            return lock != null;
        } catch (IOException e) {
            LOG.debug("who owns {}?", each, e);
            return false;
        }
    }

    private static boolean isMine(Path each) {
        try {
            return Files.getOwner(each).equals(Files.getOwner(OURSELVES));
        } catch (IOException e) {
            return false;
        }
    }

    /** Removes a folder of files; the owner file last, so that what fails can be tried again. */
    private static void remove(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            files.filter(file -> !file.endsWith(OWNER)).forEach(WorkFolder::delete);
            delete(folder.resolve(OWNER));
            delete(folder);
        } catch (IOException | UncheckedIOException e) {
            LOG.warn("cannot remove {}", folder, e);
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
