package org.iommu4j.qemu;

import java.time.Duration;
import java.util.Map;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.ProviderParameters;

/**
 * Makes machines that are QEMU processes: {@code "qemu"}, or with parameters such as {@code
 * "qemu:devices=4,width=39,caching-mode=true"}.
 */
public final class QemuProvider implements MachineProvider {

    private static final String NAME = "qemu";
    private static final int RANK = -100;
    private static final String LEGAL =
            "table-memory=SIZE from 1m to 1t, devices=N from 1 to 16, width=39|48,"
                    + " caching-mode=true|false, snoop-control=true|false,"
                    + " scalable=off|second|first, binary=PROGRAM, patience=T from 100ms to 600s";

    private final QemuOptions options;

    /** Makes the provider of machines with default options; for {@link java.util.ServiceLoader}. */
    public QemuProvider() {
        this(QemuOptions.defaults());
    }

    private QemuProvider(QemuOptions options) {
        this.options = options;
    }

    @Override
    public String name() {
        return NAME;
    }

    /** {@return a low rank: nobody gets another process without having asked for it} */
    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public Machine create(long memoryBytes) {
        return QemuMachine.create(options.withMemory(memoryBytes));
    }

    @Override
    public MachineProvider configured(Map<String, String> parameters) {
        ProviderParameters given = new ProviderParameters(NAME, parameters, LEGAL);
        QemuOptions configured =
                options.withTableMemory(
                                given.bytes(
                                        "table-memory", options.tableMemory(), 1L << 20, 1L << 40))
                        .withDevices(
                                (int)
                                        given.number(
                                                "devices",
                                                options.devices(),
                                                1,
                                                QemuOptions.MOST_DEVICES))
                        .withAddressWidth(width(given))
                        .withUnit(
                                yes(given, "caching-mode", options.cachingMode()),
                                yes(given, "snoop-control", options.snoopControl()),
                                mode(given))
                        .withBinary(given.text("binary").orElse(options.binary()))
                        .withPatience(
                                given.time(
                                        "patience",
                                        options.patience(),
                                        Duration.ofMillis(100),
                                        Duration.ofMinutes(10)));
        given.requireAllRead();
        return new QemuProvider(configured);
    }

    private int width(ProviderParameters given) {
        return switch (given.text("width").orElse("")) {
            case "" -> options.addressWidth();
            case "39" -> 39;
            case "48" -> 48;
            default -> throw given.illegal();
        };
    }

    private static boolean yes(ProviderParameters given, String key, boolean absent) {
        return switch (given.text(key).orElse("")) {
            case "" -> absent;
            case "true" -> true;
            case "false" -> false;
            default -> throw given.illegal();
        };
    }

    private TranslationMode mode(ProviderParameters given) {
        return switch (given.text("scalable").orElse("")) {
            case "" -> options.mode();
            case "off" -> TranslationMode.LEGACY;
            case "second" -> TranslationMode.SCALABLE_SECOND;
            case "first" -> TranslationMode.SCALABLE_FIRST;
            default -> throw given.illegal();
        };
    }
}
