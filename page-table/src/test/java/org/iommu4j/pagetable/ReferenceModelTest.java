package org.iommu4j.pagetable;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Millions of random operations against a model that has no page tables. {@code
 * -Diommu4j.long=true} plays fifty times as many; {@code -Diommu4j.seed=N} begins at another seed.
 */
class ReferenceModelTest {

    private static final boolean LONG = Boolean.getBoolean("iommu4j.long");
    private static final long SEED = Long.getLong("iommu4j.seed", 20_231);
    private static final int OPERATIONS_PER_DOMAIN = 25_000;
    private static final int DOMAINS = LONG ? 300 : 6;
    private static final int SHRINKING_REPLAYS = 2_000;
    private static final int[] EMPTY_TABLES = {0, 64, 3};

    /** Where an operation went wrong. */
    private record Failure(int index, Throwable cause) {}

    static Stream<Arguments> domains() {
        return inEveryMode(TestFormats.all());
    }

    static Stream<Arguments> unusualDomains() {
        return inEveryMode(TestFormats.unusual());
    }

    private static Stream<Arguments> inEveryMode(Stream<PageTableFormat> formats) {
        return formats.flatMap(
                format -> Stream.of(PartialUnmap.values()).map(mode -> Arguments.of(format, mode)));
    }

    @ParameterizedTest
    @MethodSource("domains")
    void M1_U1_U3_U6_likeAModelWithoutTables(PageTableFormat format, PartialUnmap mode) {
        playDomains(format, mode, DOMAINS);
    }

    @ParameterizedTest
    @MethodSource("unusualDomains")
    void M1_U1_U3_U6_likeTheModelOnUnusualFormats(PageTableFormat format, PartialUnmap mode) {
        playDomains(format, mode, 2);
    }

    private static void playDomains(PageTableFormat format, PartialUnmap mode, int domains) {
        for (int i = 0; i < domains; i++) {
            DomainOptions options = options(format, mode, i);
            long seed = SEED + i;
            List<Operation> operations = operations(format, options, seed);
            List<Failure> failures = play(format, options, operations);
            if (!failures.isEmpty()) {
                report(format, options, operations, failures.getFirst(), seed);
            }
        }
    }

    /** Some with all page sizes, some without the middle one, some in a narrower space. */
    private static DomainOptions options(PageTableFormat format, PartialUnmap mode, int number) {
        DomainOptions options =
                DomainOptions.defaults()
                        .withPartialUnmap(mode)
                        .withEmptyTables(EMPTY_TABLES[number % EMPTY_TABLES.length]);
        return switch (number % 6) {
            case 4 -> options.withPageSizes(1L << format.shift(0) | 1L << format.shift(2));
            case 5 -> options.withAddressWidth(format.addressWidth() - 1);
            default -> options;
        };
    }

    private static List<Operation> operations(
            PageTableFormat format, DomainOptions options, long seed) {
        RandomTraffic traffic =
                new RandomTraffic(format, new ReferenceModel(format, options), seed);
        return Stream.generate(traffic::next).limit(OPERATIONS_PER_DOMAIN).toList();
    }

    private static List<Failure> play(
            PageTableFormat format, DomainOptions options, List<Operation> operations) {
        Replay replay = new Replay(format, options);
        int index = 0;
        try {
            for (; index < operations.size(); index++) {
                replay.play(operations.get(index));
            }
            replay.end();
            return List.of();
        } catch (AssertionError | RuntimeException e) {
            return List.of(new Failure(index, e));
        }
    }

    private static void report(
            PageTableFormat format,
            DomainOptions options,
            List<Operation> all,
            Failure failure,
            long seed) {
        List<Operation> prefix = all.subList(0, Math.min(failure.index + 1, all.size()));
        List<Operation> least = shrunk(format, options, prefix);
        StringBuilder text = new StringBuilder();
        text.append(format).append(", ").append(options.partialUnmap()).append(", empty tables ");
        text.append(options.emptyTables())
                .append(", page sizes 0x")
                .append(Long.toHexString(options.pageSizes()));
        text.append(", width ").append(options.addressWidth()).append(", seed ").append(seed);
        text.append(", operation ").append(failure.index).append(": ").append(failure.cause);
        text.append("\nenough to see it:\n");
        least.forEach(operation -> text.append("  ").append(operation).append('\n'));
        List<Failure> again = play(format, options, least);
        fail(text.toString(), again.isEmpty() ? failure.cause : again.getFirst().cause);
    }

    /** Replays the prefix with ever smaller parts left out, as long as it still fails. */
    private static List<Operation> shrunk(
            PageTableFormat format, DomainOptions options, List<Operation> prefix) {
        List<Operation> least = new ArrayList<>(prefix);
        int replays = 0;
        for (int part = least.size() / 2; part > 0; part /= 2) {
            for (int from = 0; from < least.size() && replays < SHRINKING_REPLAYS; replays++) {
                List<Operation> fewer = new ArrayList<>(least.subList(0, from));
                fewer.addAll(least.subList(Math.min(from + part, least.size()), least.size()));
                if (play(format, options, fewer).isEmpty()) {
                    from += part;
                } else {
                    least = fewer;
                }
            }
        }
        return least;
    }
}
