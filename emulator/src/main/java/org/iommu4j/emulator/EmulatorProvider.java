package org.iommu4j.emulator;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;

/**
 * Makes emulated machines: {@code "emulator"}, or with parameters such as {@code
 * "emulator:devices=4,caches=drops-anything,seed=7"}.
 */
public final class EmulatorProvider implements MachineProvider {

    private static final int RANK = 100;
    private static final Map<String, BiFunction<EmulatorOptions, String, EmulatorOptions>>
            PARAMETERS = parameters();

    private final EmulatorOptions options;

    /** Makes the provider of machines with default options; for {@link java.util.ServiceLoader}. */
    public EmulatorProvider() {
        this(EmulatorOptions.defaults());
    }

    private EmulatorProvider(EmulatorOptions options) {
        this.options = options;
    }

    @Override
    public String name() {
        return "emulator";
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public Machine create(long memoryBytes) {
        return EmulatedMachine.create(options.memory(memoryBytes));
    }

    @Override
    public MachineProvider configured(Map<String, String> parameters) {
        EmulatorOptions configured = options;
        for (Map.Entry<String, String> parameter : parameters.entrySet()) {
            configured = set(configured, parameter.getKey(), parameter.getValue());
        }
        return new EmulatorProvider(configured);
    }

    private static EmulatorOptions set(EmulatorOptions options, String key, String value) {
        BiFunction<EmulatorOptions, String, EmulatorOptions> setter = PARAMETERS.get(key);
        if (setter == null) {
            throw new IllegalArgumentException(
                    "the emulator has no parameter \""
                            + key
                            + "\"; legal are "
                            + String.join(", ", PARAMETERS.keySet()));
        }
        try {
            return setter.apply(options, value);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "emulator: " + key + "=" + value + ": " + e.getMessage(), e);
        }
    }

    private static Map<String, BiFunction<EmulatorOptions, String, EmulatorOptions>> parameters() {
        Map<String, BiFunction<EmulatorOptions, String, EmulatorOptions>> parameters =
                new TreeMap<>();
        parameters.put("table-memory", (o, v) -> o.tableMemory(wholeNumber(v)));
        parameters.put("units", (o, v) -> o.units(count(v)));
        parameters.put("devices", (o, v) -> o.devices(count(v)));
        parameters.put("host-width", (o, v) -> o.hostAddressWidth(count(v)));
        parameters.put("widths", (o, v) -> o.addressWidths(widths(v)));
        parameters.put("page-sizes", (o, v) -> o.pageSizes(pageSizes(v)));
        parameters.put("domain-id-bits", (o, v) -> o.domainIdBits(count(v)));
        parameters.put("caching-mode", (o, v) -> o.cachingMode(yes(v)));
        parameters.put("write-buffer-flush", (o, v) -> o.writeBufferFlush(yes(v)));
        parameters.put("coherent", (o, v) -> o.coherent(yes(v)));
        parameters.put("max-address-mask", (o, v) -> o.maxAddressMask(count(v)));
        parameters.put("page-selective", (o, v) -> o.pageSelective(yes(v)));
        parameters.put("fault-records", (o, v) -> o.faultRecords(count(v)));
        parameters.put("iotlb-entries", (o, v) -> o.iotlbEntries(count(v)));
        parameters.put("paging-structure-entries", (o, v) -> o.pagingStructureEntries(count(v)));
        parameters.put("replacement", (o, v) -> o.replacement(constant(Replacement.class, v)));
        parameters.put("caches", (o, v) -> o.caches(constant(CacheBehaviour.class, v)));
        parameters.put("seed", (o, v) -> o.seed(wholeNumber(v)));
        parameters.put("drains", (o, v) -> o.drains(yes(v)));
        parameters.put("snoop-control", (o, v) -> o.snoopControl(yes(v)));
        parameters.put("scalable", (o, v) -> o.scalable(yes(v)));
        parameters.put("first-stage", (o, v) -> o.firstStage(yes(v)));
        parameters.put("second-stage", (o, v) -> o.secondStage(yes(v)));
        parameters.put("pasid-bits", (o, v) -> o.pasidBits(count(v)));
        parameters.put("accessed-dirty", (o, v) -> o.accessedDirty(yes(v)));
        parameters.put("page-walk-coherent", (o, v) -> o.pageWalkCoherent(yes(v)));
        parameters.put("page-requests", (o, v) -> o.pageRequests(yes(v)));
        parameters.put("queue-thread", (o, v) -> o.queueThread(yes(v)));
        parameters.put("sanitizer", (o, v) -> o.sanitizer(yes(v)));
        return parameters;
    }

    private static long wholeNumber(String value) {
        try {
            return Long.decode(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("a whole number is legal", e);
        }
    }

    private static int count(String value) {
        return Math.clamp(wholeNumber(value), Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    private static boolean yes(String value) {
        return switch (value) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("true and false are legal");
        };
    }

    private static int[] widths(String value) {
        return Arrays.stream(value.split("\\+", -1)).mapToInt(EmulatorProvider::count).toArray();
    }

    private static long pageSizes(String value) {
        long sizes = 0;
        for (String size : value.split("\\+", -1)) {
            sizes |=
                    switch (size) {
                        case "4K" -> 1L << 12;
                        case "2M" -> 1L << 21;
                        case "1G" -> 1L << 30;
                        default ->
                                throw new IllegalArgumentException(
                                        "4K, 2M and 1G are legal, joined by +");
                    };
        }
        return sizes;
    }

    private static <E extends Enum<E>> E constant(Class<E> kind, String value) {
        for (E constant : kind.getEnumConstants()) {
            if (written(constant).equals(value)) {
                return constant;
            }
        }
        throw new IllegalArgumentException(
                "legal are "
                        + Arrays.stream(kind.getEnumConstants())
                                .map(EmulatorProvider::written)
                                .collect(Collectors.joining(", ")));
    }

    private static String written(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
