package org.iommu4j.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Zeroed native memory that costs only the pages that are touched, so that a machine of many
 * gigabytes is cheap.
 *
 * <p>The operating system's {@code mmap} without a reservation gives it; where there is none,
 * memory is allocated and zeroed as usual.
 */
@SuppressWarnings("restricted") // three system calls, and the segment over what they map
final class SparseMemory {

    private static final int READ_WRITE = 3;
    private static final int DONT_NEED = 4;
    private static final int NO_HUGE_PAGE = 15;
    private static final boolean MAC =
            System.getProperty("os.name", "").toLowerCase(Locale.ROOT).contains("mac");
    private static final boolean LINUX =
            System.getProperty("os.name", "").toLowerCase(Locale.ROOT).contains("linux");
    /* MAP_PRIVATE, MAP_ANONYMOUS and MAP_NORESERVE, whose values differ between the systems. */
    private static final int PRIVATE_ANONYMOUS_NORESERVE =
            MAC ? 0x2 | 0x1000 | 0x40 : 0x2 | 0x20 | 0x4000;

    /* On Linux: MAP_SHARED and MAP_FIXED; O_RDWR and O_CLOEXEC. */
    private static final int SHARED_FIXED = 0x1 | 0x10;
    private static final int OPEN_FLAGS = 0x2 | 0x80000;

    private SparseMemory() {}

    /**
     * Maps zeroed memory that lives as long as the returned segment is reachable.
     *
     * @param bytes its size
     * @return the memory, aligned to 4 KiB
     * @throws OutOfMemoryError if the system gives none
     */
    static MemorySegment map(long bytes) {
        if (!MAC && !LINUX) {
            return Arena.ofAuto().allocate(bytes, PhysicalMemory.PAGE_SIZE);
        }
        try {
            MemorySegment address =
                    (MemorySegment)
                            Native.MMAP.invokeExact(
                                    MemorySegment.NULL,
                                    bytes,
                                    READ_WRITE,
                                    PRIVATE_ANONYMOUS_NORESERVE,
                                    -1,
                                    0L);
            if (address.address() == -1L) {
                throw new OutOfMemoryError(
                        "the system maps no " + bytes + " bytes of address space");
            }
            if (LINUX) {
                /* A page that is touched must not bring 2 MiB with it. A system without huge pages refuses. */
                boolean ignored = advise(address.address(), bytes, NO_HUGE_PAGE);
            }
            return address.reinterpret(bytes, Arena.ofAuto(), mapped -> unmap(mapped, bytes));
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("mmap could not be called", e);
        }
    }

    /**
     * Maps memory of which parts are those of a file that other processes have mapped too.
     *
     * @param file the file
     * @param bytes the size of the memory
     * @param parts the parts
     * @return the memory, which lives as long as the segment is reachable
     * @throws IllegalArgumentException if a part is misaligned or not inside the memory
     * @throws UncheckedIOException if the file cannot be mapped
     */
    static MemorySegment mapShared(Path file, long bytes, List<PhysicalMemory.FilePart> parts) {
        parts.forEach(part -> requireInside(part, bytes));
        if (!LINUX) {
            throw new UnsupportedOperationException("files are mapped into memory on Linux only");
        }
        MemorySegment whole = map(bytes);
        try (Arena arena = Arena.ofConfined()) {
            int descriptor =
                    (int) Native.OPEN.invokeExact(arena.allocateFrom(file.toString()), OPEN_FLAGS);
            boolean mapped = descriptor >= 0;
            for (PhysicalMemory.FilePart part : parts) {
                mapped = mapped && mapPart(whole, descriptor, part);
            }
            if (descriptor >= 0) {
                int ignored = (int) Native.CLOSE.invokeExact(descriptor);
            }
            if (!mapped) {
                throw new UncheckedIOException(new IOException("the system does not map " + file));
            }
            return whole;
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("mmap could not be called", e);
        }
    }

    private static void requireInside(PhysicalMemory.FilePart part, long bytes) {
        long end = part.address() + part.bytes();
        long all = part.address() | part.offset() | part.bytes();
        if ((all & (PhysicalMemory.PAGE_SIZE - 1)) != 0
                || part.offset() < 0
                || part.address() < 0
                || part.bytes() <= 0
                || end < 0
                || end > bytes) {
            throw new IllegalArgumentException(
                    part + " in a memory of 0x" + Long.toHexString(bytes) + " bytes");
        }
    }

    private static boolean mapPart(
            MemorySegment whole, int descriptor, PhysicalMemory.FilePart part) throws Throwable {
        MemorySegment wanted = whole.asSlice(part.address(), part.bytes());
        MemorySegment address =
                (MemorySegment)
                        Native.MMAP.invokeExact(
                                wanted,
                                part.bytes(),
                                READ_WRITE,
                                SHARED_FIXED,
                                descriptor,
                                part.offset());
        return address.address() == wanted.address();
    }

    /** Whether {@link #map} gives memory whose pages {@link #discard} can give back. */
    static boolean canDiscard() {
        return LINUX;
    }

    /**
     * Gives whole pages back to the system; they read as zero from now on.
     *
     * @param address where they are mapped
     * @param bytes how many
     * @return false if the system refuses
     */
    static boolean discard(long address, long bytes) {
        return advise(address, bytes, DONT_NEED);
    }

    private static boolean advise(long address, long bytes, int advice) {
        try {
            return (int) Native.MADVISE.invokeExact(MemorySegment.ofAddress(address), bytes, advice)
                    == 0;
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("madvise could not be called", e);
        }
    }

    private static void unmap(MemorySegment mapped, long bytes) {
        try {
            int ignored = (int) Native.MUNMAP.invokeExact(mapped, bytes);
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("munmap could not be called", e);
        }
    }

    /** The system calls, linked only where they are used. */
    private static final class Native {
        private static final SymbolLookup C = Linker.nativeLinker().defaultLookup();
        private static final MethodHandle MMAP =
                Linker.nativeLinker()
                        .downcallHandle(
                                C.findOrThrow("mmap"),
                                FunctionDescriptor.of(
                                        ValueLayout.ADDRESS,
                                        ValueLayout.ADDRESS,
                                        ValueLayout.JAVA_LONG,
                                        ValueLayout.JAVA_INT,
                                        ValueLayout.JAVA_INT,
                                        ValueLayout.JAVA_INT,
                                        ValueLayout.JAVA_LONG));
        private static final MethodHandle MUNMAP =
                Linker.nativeLinker()
                        .downcallHandle(
                                C.findOrThrow("munmap"),
                                FunctionDescriptor.of(
                                        ValueLayout.JAVA_INT,
                                        ValueLayout.ADDRESS,
                                        ValueLayout.JAVA_LONG));
        private static final MethodHandle OPEN =
                Linker.nativeLinker()
                        .downcallHandle(
                                C.findOrThrow("open"),
                                FunctionDescriptor.of(
                                        ValueLayout.JAVA_INT,
                                        ValueLayout.ADDRESS,
                                        ValueLayout.JAVA_INT),
                                Linker.Option.firstVariadicArg(2));
        private static final MethodHandle CLOSE =
                Linker.nativeLinker()
                        .downcallHandle(
                                C.findOrThrow("close"),
                                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
        private static final MethodHandle MADVISE =
                Linker.nativeLinker()
                        .downcallHandle(
                                C.findOrThrow("madvise"),
                                FunctionDescriptor.of(
                                        ValueLayout.JAVA_INT,
                                        ValueLayout.ADDRESS,
                                        ValueLayout.JAVA_LONG,
                                        ValueLayout.JAVA_INT));
    }
}
