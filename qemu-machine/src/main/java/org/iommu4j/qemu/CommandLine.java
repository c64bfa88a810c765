package org.iommu4j.qemu;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The words QEMU is started with. */
final class CommandLine {

    /** The file of the memory, in the work folder. */
    static final String MEMORY = "memory";

    /** The socket that QEMU connects to. */
    static final String SOCKET = "qtest";

    /** The socket where QEMU's monitor listens. */
    static final String MONITOR = "qmp";

    private CommandLine() {}

    /**
     * Puts the words together.
     *
     * @param program the program
     * @param options what the machine is made of
     * @param ram its memory
     * @param folder where its files are
     * @return the words, the program first
     */
    static List<String> of(Path program, QemuOptions options, Ram ram, WorkFolder folder) {
        List<String> words = new ArrayList<>();
        words.add(program.toString());
        words.addAll(List.of("-nodefaults", "-no-user-config", "-display", "none"));
        // The processor never runs: nothing changes memory but software here and devices there.
        words.addAll(List.of("-S", "-accel", "tcg", "-machine", "q35,memory-backend=ram"));
        words.addAll(List.of("-m", "size=" + ram.fileBytes() / 1024 + "k"));
        words.add("-object");
        words.add(
                "memory-backend-file,id=ram,share=on,size="
                        + ram.fileBytes()
                        + ",mem-path="
                        + escaped(folder.file(MEMORY)));
        words.addAll(List.of("-device", unit(options)));
        for (int i = 0; i < options.devices(); i++) {
            addDevice(words, i, folder);
        }
        words.add("-device");
        words.add("sdhci-pci,id=burst,addr=0x" + Integer.toHexString(slot(options.devices())));
        words.addAll(List.of("-qtest", "unix:" + escaped(folder.file(SOCKET))));
        words.addAll(List.of("-qtest-log", "none"));
        Path monitor = folder.file(MONITOR);
        words.addAll(List.of("-qmp", "unix:" + escaped(monitor) + ",server=on,wait=off"));
        words.addAll(Console.OPTIONS);
        return words;
    }

    /** The file of a device's card, in the work folder. */
    static String card(int device) {
        return "card-" + device;
    }

    /** The PCI device number of a device; that behind the last is the burst writer's. */
    static int slot(int device) {
        return device + 1;
    }

    private static String unit(QemuOptions options) {
        StringBuilder unit = new StringBuilder("intel-iommu,aw-bits=");
        unit.append(options.addressWidth());
        if (options.cachingMode()) {
            unit.append(",caching-mode=on");
        }
        if (options.snoopControl()) {
            unit.append(",snoop-control=on");
        }
        if (options.mode() != TranslationMode.LEGACY) {
            unit.append(",x-scalable-mode=on");
        }
        if (options.mode() == TranslationMode.SCALABLE_FIRST) {
            unit.append(",x-flts=on");
        }
        return unit.toString();
    }

    private static void addDevice(List<String> words, int number, WorkFolder folder) {
        String host = "host" + number;
        words.add("-device");
        words.add("sdhci-pci,id=" + host + ",addr=0x" + Integer.toHexString(slot(number)));
        words.add("-drive");
        words.add(
                "if=none,format=raw,cache=unsafe,id="
                        + card(number)
                        + ",file="
                        + escaped(folder.file(card(number))));
        words.add("-device");
        words.add("sd-card,drive=" + card(number) + ",bus=pcie.0/" + host + "/sd-bus");
    }

    private static String escaped(Path path) {
        return path.toString().replace(",", ",,");
    }
}
