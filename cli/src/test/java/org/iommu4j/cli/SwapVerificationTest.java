package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.cli.vm.Machines;
import org.iommu4j.cli.vm.PlainMachine;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.TranslationService;
import org.junit.jupiter.api.Test;

/**
 * The scenario tells right from wrong: nothing is wrong on a machine whose devices see the tables
 * as they are, and what is wrong on purpose is found and called by its name.
 */
class SwapVerificationTest {
    private static final double SECONDS = 0.5;
    private static final int SELDOM = 1000;
    private static final long POISON = 0xdead;

    @Test
    void nothingIsWrongWhereDevicesSeeTheTablesAsTheyAre() {
        CommandRun run =
                swapUntil(
                        seen ->
                                number(seen, "dmas") > 1000
                                        && number(seen, "swaps") > 20
                                        && number(seen, "splits") > 5
                                        && number(seen, "expectedFaults") > 0,
                        (choice, bytes) -> PlainMachine.of(bytes, 2),
                        "hitless");
        assertThat(number(run, "dmas")).isGreaterThan(1000);
        assertThat(number(run, "swaps")).isGreaterThan(20);
        assertThat(number(run, "splits")).isGreaterThan(5);
        assertThat(number(run, "expectedFaults")).isPositive();
    }

    @Test
    void unmapAndMapAgainIsSeenAsSpuriousFaultsAndNothingElse() {
        CommandRun run =
                swapUntil(
                        seen -> number(seen, "spuriousFaults") > 0,
                        (choice, bytes) -> PlainMachine.of(bytes, 2),
                        "unmap-map");
        assertThat(run.json()).containsEntry("strategies.0.splits", "0");
        assertThat(number(run, "spuriousFaults")).isPositive();
    }

    @Test
    void pagesComeBackWhenDevicesAskForThem() {
        CommandRun run =
                swapUntil(
                        seen ->
                                number(seen, "pageRequests") > 0
                                        && number(seen, "expectedFaults") > 0,
                        (choice, bytes) -> PlainMachine.of(bytes, 2).asking(),
                        "hitless");
        assertThat(run.json())
                .containsEntry("strategies.0.faults", "recoverable")
                .containsEntry("strategies.0.swapIn", "on-fault");
        assertThat(number(run, "expectedFaults")).isPositive();
        assertThat(number(run, "pageRequests")).isPositive();
        assertThat(number(run, "faultServiceNanos.p50")).isPositive();
        assertThat(number(run, "faultServiceNanos.max"))
                .isGreaterThanOrEqualTo(number(run, "faultServiceNanos.p999"));
    }

    /** With unmap-map devices have to ask for pages that were never taken. */
    @Test
    void aRequestForAPageThatIsThereIsSpurious() {
        CommandRun run =
                swapUntil(
                        seen -> number(seen, "spuriousFaults") > 0,
                        (choice, bytes) -> PlainMachine.of(bytes, 2).asking(),
                        "unmap-map",
                        "--swap-in",
                        "eager");
        assertThat(number(run, "spuriousFaults")).isPositive();
    }

    @Test
    void aPageThatIsRefusedToADeviceThatWaitsForItIsFound() {
        CommandRun run =
                swap(
                        (choice, bytes) ->
                                new PlainMachine(
                                                bytes,
                                                2,
                                                IommuDomain::translate,
                                                device ->
                                                        new Changed(device) {
                                                            @Override
                                                            DmaOutcome seldom(
                                                                    long iova,
                                                                    ByteBuffer data,
                                                                    boolean write) {
                                                                return DmaOutcome.blocked(iova, 0)
                                                                        .afterWaiting();
                                                            }
                                                        },
                                                Optional.empty())
                                        .asking(),
                        "hitless");
        assertBroken(run, "wrong data", "was refused a page that it waited for");
    }

    @Test
    void aFaultAtAPageThatIsThereIsSpurious() {
        CommandRun run =
                swap(
                        changed(device ->
                                new Changed(device) {
                                    @Override
                                    DmaOutcome seldom(long iova, ByteBuffer data, boolean write) {
                                        return DmaOutcome.blocked(iova, 6);
                                    }
                                }),
                        "hitless");
        assertBroken(run, "spurious faults", "there must be none");
    }

    @Test
    void aWrongWordIsFound() {
        CommandRun run =
                swap(
                        changed(device ->
                                new Changed(device) {
                                    @Override
                                    DmaOutcome seldom(long iova, ByteBuffer data, boolean write) {
                                        DmaOutcome outcome = through(iova, data, write);
                                        if (!write) {
                                            data.put(17, (byte) (data.get(17) ^ 1));
                                        }
                                        return outcome;
                                    }
                                }),
                        "unmap-map");
        assertBroken(run, "wrong data", " read version ");
    }

    @Test
    void aWriteThatNeverCameIsFound() {
        CommandRun run =
                swap(
                        changed(device ->
                                new Changed(device) {
                                    @Override
                                    DmaOutcome seldom(long iova, ByteBuffer data, boolean write) {
                                        return write ? DmaOutcome.DONE : through(iova, data, false);
                                    }
                                }),
                        "hitless");
        assertBroken(run, "wrong data", ", not version ");
    }

    /** A translation that is remembered for ever: reads poison, and writes to pages given up. */
    @Test
    void aStaleTranslationIsFound() {
        Map<Long, Long> remembered = new ConcurrentHashMap<>();
        PlainMachine.Translation stale =
                (domain, iova) -> {
                    long page = iova & -4096;
                    long now = domain.translate(page);
                    if (now != IommuDomain.NOT_MAPPED) {
                        remembered.putIfAbsent(page, now);
                    }
                    Long before = remembered.get(page);
                    return before == null ? now : before + (iova - page);
                };
        CommandRun run =
                swap(
                        (choice, bytes) ->
                                new PlainMachine(
                                        bytes,
                                        2,
                                        stale,
                                        UnaryOperator.identity(),
                                        Optional.empty()),
                        "hitless");
        assertBroken(
                run,
                "wrong data",
                " read poison of the physical address | that had been taken and ");
    }

    /**
     * A device that was refused, and whose write lands all the same where the page was, before
     * another page is there: nobody reads it, only the poison tells.
     */
    @Test
    void aWriteToAPageThatWasGivenUpIsFound() {
        Map<Long, Long> last = new ConcurrentHashMap<>();
        AtomicReference<PlainMachine> made = new AtomicReference<>();
        PlainMachine.Translation late =
                (domain, iova) -> {
                    long now = domain.translate(iova);
                    if (now != IommuDomain.NOT_MAPPED) {
                        last.put(iova, now);
                        return now;
                    }
                    long before = last.getOrDefault(iova, 0L);
                    PhysicalMemory memory = made.get().memory();
                    if (memory.loadPlain(before) >>> 48 == POISON) {
                        memory.storePlain(before, 0x123);
                    }
                    return now;
                };
        CommandRun run =
                swap(
                        (choice, bytes) -> {
                            made.set(
                                    new PlainMachine(
                                            bytes,
                                            2,
                                            late,
                                            UnaryOperator.identity(),
                                            Optional.empty()));
                            return made.get();
                        },
                        "hitless");
        assertBroken(run, "wrong data", "a page that devices had lost was written to: ");
    }

    @Test
    void aFindingOfTheSanitizerIsAViolation() {
        Sanitizer.Finding finding =
                new Sanitizer.Finding("G1", "a freed table was walked", List.of("linked", "freed"));
        Sanitizer sanitizer =
                new Sanitizer() {
                    @Override
                    public long count() {
                        return 7;
                    }

                    @Override
                    public List<Finding> findings() {
                        return List.of(finding);
                    }
                };
        CommandRun run =
                swap(
                        (choice, bytes) ->
                                new PlainMachine(
                                        bytes,
                                        2,
                                        IommuDomain::translate,
                                        UnaryOperator.identity(),
                                        Optional.of(sanitizer)),
                        "hitless");
        assertBroken(run, "violations", "G1: a freed table was walked");
        assertThat(run.out()).contains("linked").containsPattern("violations +7\\R");
    }

    @Test
    void aFailureOfADeviceEndsTheRun() {
        CommandRun run =
                swap(
                        changed(device ->
                                new Changed(device) {
                                    @Override
                                    DmaOutcome seldom(long iova, ByteBuffer data, boolean write) {
                                        throw new IllegalStateException("out of order");
                                    }
                                }),
                        "hitless");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err())
                .isEqualToIgnoringNewLines("iommu4j swap: internal error: out of order");
    }

    private static Machines changed(UnaryOperator<Device> change) {
        return (choice, bytes) ->
                new PlainMachine(bytes, 2, IommuDomain::translate, change, Optional.empty());
    }

    /** Until what is wrong was seen. */
    private static CommandRun swap(Machines machines, String strategy) {
        return LongEnough.run(
                SECONDS, seconds -> run(seconds, machines, strategy), run -> run.exitCode() != 0);
    }

    /** Until enough was seen on a machine where nothing is wrong. */
    private static CommandRun swapUntil(
            Predicate<CommandRun> enough, Machines machines, String strategy, String... more) {
        String[] options = Arrays.copyOf(more, more.length + 1);
        options[more.length] = "--json";
        return LongEnough.run(
                SECONDS,
                seconds -> {
                    CommandRun run = run(seconds, machines, strategy, options);
                    assertThat(run.err()).isEmpty();
                    assertThat(run.exitCode()).as(run.out()).isZero();
                    assertThat(run.json())
                            .containsEntry("strategies.0.name", strategy)
                            .containsEntry("strategies.0.wrongData", "0")
                            .containsEntry("strategies.0.violations", "0");
                    if (strategy.equals("hitless")) {
                        assertThat(run.json()).containsEntry("strategies.0.spuriousFaults", "0");
                    }
                    return run;
                },
                enough);
    }

    private static CommandRun run(
            double seconds, Machines machines, String strategy, String... more) {
        String[] usual = {"swap", "--memory", "4m", "--split", strategy, "--seconds", "" + seconds};
        String[] arguments = Arrays.copyOf(usual, usual.length + more.length);
        System.arraycopy(more, 0, arguments, usual.length, more.length);
        return CommandRun.of(
                InputStream.nullInputStream(), PlainMachine::open, machines, arguments);
    }

    private static void assertBroken(CommandRun run, String count, String message) {
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).as(run.out()).isEqualTo(1);
        assertThat(run.out())
                .containsPattern("(?m)^" + count + " +[1-9]")
                .contains("BROKEN")
                .containsPattern(message);
    }

    private static long number(CommandRun run, String key) {
        return Long.parseLong(run.json().get("strategies.0." + key));
    }

    /** A device that does something else now and then. */
    private abstract static class Changed implements Device {
        private final Device device;
        private final AtomicInteger turn = new AtomicInteger();

        Changed(Device device) {
            this.device = device;
        }

        abstract DmaOutcome seldom(long iova, ByteBuffer data, boolean write);

        final DmaOutcome through(long iova, ByteBuffer data, boolean write) {
            return write ? device.write(iova, data) : device.read(iova, data);
        }

        @Override
        public SourceId source() {
            return device.source();
        }

        @Override
        public Optional<TranslationService> translationService() {
            return device.translationService();
        }

        @Override
        public DmaOutcome read(long iova, ByteBuffer target) {
            return turn.incrementAndGet() % SELDOM == 0
                    ? seldom(iova, target, false)
                    : through(iova, target, false);
        }

        @Override
        public DmaOutcome write(long iova, ByteBuffer data) {
            return turn.incrementAndGet() % SELDOM == 0
                    ? seldom(iova, data, true)
                    : through(iova, data, true);
        }

        @Override
        public DmaOutcome fetchAndAdd(long iova, long addend, ByteBuffer old) {
            return device.fetchAndAdd(iova, addend, old);
        }
    }
}
