package org.iommu4j.qemu;

/** How a {@link QemuMachine} writes its memory to a file. */
public enum DumpFormat {
    /** Nothing but memory: the offset in the file is the physical address ({@code pmemsave}). */
    RAW(""),

    /** An ELF core by physical addresses ({@code dump-guest-memory}). */
    ELF("\"paging\": false"),

    /**
     * An ELF core that also says where the processor's page tables map memory ({@code
     * dump-guest-memory -p}).
     */
    ELF_PAGING("\"paging\": true"),

    /** A kdump of compressed pages, in the flattened form ({@code dump-guest-memory -z}). */
    KDUMP_ZLIB("\"paging\": false, \"format\": \"kdump-zlib\"");

    private final String arguments;

    DumpFormat(String arguments) {
        this.arguments = arguments;
    }

    /** {@return the arguments of {@code dump-guest-memory} beside the file's name} */
    String arguments() {
        return arguments;
    }
}
