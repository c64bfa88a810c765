package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a replay makes of traces that are at odds with themselves, and of tables that are wrong. */
class ReplayTest {
    private static final long MIB = 1 << 20;

    @Test
    void aFlushNamesTheDomainOfAMapAndAnUnmap() {
        Map<String, String> json =
                replay(
                        Traces.map("a-1", 0x1000, 0x1000, 4096)
                                + Traces.flush("a-1", "_np", 3, 0x1000, 4096)
                                + Traces.map("a-1", 0x1000, 0x5000, 4096)
                                + Traces.flush("a-1", "_np", 4, 0x1000, 4096)
                                + Traces.unmap("b-2", 0x1000, 4096, 4096)
                                + Traces.flush("b-2", "", 4, 0x1000, 4096));
        assertThat(json)
                .containsEntry("domains", "2")
                .containsEntry("domainNames.0", "dmar0 did 3")
                .containsEntry("domainNames.1", "dmar0 did 4")
                .containsEntry("ambiguous", "0")
                .containsEntry("events.ignored", "3")
                .containsEntry("flushes", "3")
                .containsEntry("live.pages4k", "1");
    }

    /** Without caching mode Linux flushes unmaps only, so that maps are guessed. */
    @Test
    void whereOnlyUnmapsAreNamedNothingIsLost() {
        Random random = new Random(3);
        Map<Integer, Set<Long>> live = Map.of(1, new HashSet<>(), 2, new HashSet<>());
        StringBuilder trace = new StringBuilder();
        for (int i = 0; i < 20_000; i++) {
            int domain = 1 + random.nextInt(2);
            String task = "t-" + (10 + random.nextInt(3));
            long iova = 0xfff00000L + random.nextInt(64) * 4096L;
            if (live.get(domain).remove(iova)) {
                trace.append(Traces.unmap(task, iova, 4096, 4096))
                        .append(Traces.flush(task, "", domain, iova, 4096));
            } else {
                live.get(domain).add(iova);
                trace.append(Traces.map(task, iova, i * 4096L, 4096));
            }
        }
        int pages = live.get(1).size() + live.get(2).size();
        assertThat(replay(trace.toString()))
                .containsEntry("domains", "2")
                .containsEntry("unknownUnmaps", "0")
                .containsEntry("contradictions", "0")
                .containsEntry("live.pages4k", String.valueOf(pages));
    }

    @Test
    void aNewNameGoesToADomainThatHasNone() {
        Map<String, String> json =
                replay(
                        Traces.map("a-1", 0x1000, 0x1000, 4096)
                                + Traces.map("b-2", 0x1000, 0x2000, 4096)
                                + Traces.unmap("b-2", 0x1000, 4096, 4096)
                                + Traces.flush("b-2", "", 5, 0x1000, 4096)
                                + Traces.unmap("a-1", 0x9000, 4096, 4096)
                                + Traces.flush("a-1", "", 6, 0x9000, 4096));
        assertThat(json).containsEntry("domains", "2").containsEntry("live.pages4k", "1");
    }

    @Test
    void aFailedMapAndItsUnmapChangeNothing() {
        Map<String, String> json =
                replay(
                        Traces.map("a-1", 0x1000, 0x1000, 4096)
                                + Traces.map("a-1", 0x1000, 0x9000, 0)
                                + Traces.unmap("a-1", 0x1000, 0, 0)
                                + Traces.unmap("a-1", 0x9000, 4096, 0));
        assertThat(json)
                .containsEntry("events.map", "2")
                .containsEntry("events.unmap", "2")
                .containsEntry("events.failed", "3")
                .containsEntry("domains", "1")
                .containsEntry("live.pages4k", "1");
    }

    @Test
    void anUnmapThatStoppedAtAHoleRemovedOnlyWhatItSays() {
        Map<String, String> json =
                replay(
                        Traces.map("a-1", 0x1000, 0x1000, 4096)
                                + Traces.map("a-1", 0x3000, 0x3000, 4096)
                                + Traces.unmap("a-1", 0x1000, 0x3000, 4096)
                                + Traces.unmap("a-1", 0x3000, 4096, 4096));
        assertThat(json)
                .containsEntry("contradictions", "0")
                .containsEntry("unknownUnmaps", "0")
                .containsEntry("live.pages4k", "0");
    }

    @Test
    void anUnmapThatSkippedAHoleRemovedWhatIsBehindIt() {
        Map<String, String> json =
                replay(
                        Traces.map("a-1", 0x1000, 0x1000, 4096)
                                + Traces.map("a-1", 0x3000, 0x3000, 4096)
                                + Traces.unmap("a-1", 0x1000, 0x3000, 8192));
        assertThat(json).containsEntry("contradictions", "0").containsEntry("live.pages4k", "0");
    }

    @Test
    void anUnmapInsideALeafMayHaveTakenTheLeafFromItsStart() {
        Map<String, String> json =
                replay(
                        Traces.map("a-1", 0x40000000, 0x80000000L, 2 * MIB)
                                + Traces.unmap("a-1", 0x40100000, 4096, 2 * MIB));
        assertThat(json)
                .containsEntry("contradictions", "0")
                .containsEntry("overUnmapAvoidedBytes", String.valueOf(2 * MIB - 4096))
                .containsEntry("live.pages4k", "0");
    }

    @Test
    void anUnmapOfSomethingNeverSeenIsCounted() {
        Map<String, String> json =
                replay(
                        Traces.unmap("a-1", 0x9000, 4096, 4096)
                                + Traces.map("a-1", 0x1000, 0x1000, 4096)
                                + Traces.unmap("a-1", 0x9000, 4096, 4096));
        assertThat(json)
                .containsEntry("unknownUnmaps", "2")
                .containsEntry("bytesUnmapped", "8192")
                .containsEntry("live.pages4k", "1");
    }

    @Test
    void anUnmapOfWhatIsOnlyInPartMappedIsReconciled() {
        Map<String, String> json =
                replay(
                        Traces.map("a-1", 0x1000, 0x1000, 4096)
                                + Traces.unmap("a-1", 0x0000, 0x4000, 0x4000));
        assertThat(json).containsEntry("contradictions", "1").containsEntry("live.pages4k", "0");
    }

    @Test
    void aMapOverSomethingLiveOfItsOwnDomainReplacesIt() {
        Map<String, String> json =
                replay(
                        Traces.map("a-1", 0x1000, 0x1000, 8192)
                                + Traces.flush("a-1", "_np", 3, 0x1000, 8192)
                                + Traces.map("a-1", 0x2000, 0x9000, 4096)
                                + Traces.flush("a-1", "_np", 3, 0x2000, 4096));
        assertThat(json)
                .containsEntry("contradictions", "1")
                .containsEntry("domains", "1")
                .containsEntry("live.pages4k", "2");
    }

    @Test
    void whatADomainIsNotWideEnoughForIsCounted() {
        Map<String, String> json =
                replay(
                        Traces.map("a-1", 0x1000, 0x1000, 4096)
                                + Traces.map("a-1", 1L << 50, 0x1000, 4096)
                                + Traces.map("a-1", 0x2000, 1L << 56, 4096)
                                + Traces.unmap("a-1", 1L << 50, 4096, 4096));
        assertThat(json).containsEntry("refused", "3").containsEntry("live.pages4k", "1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"unmap", "translate", "map", "mappings"})
    void tablesThatAreWrongAreFoundOut(String operation) {
        String trace =
                Traces.map("a-1", 0x40000000, 0x80000000L, 2 * MIB)
                        + Traces.unmap("a-1", 0x40001000, 4096, 4096);
        CommandRun run =
                CommandRun.of(
                        Traces.stream(trace),
                        (backend, options) -> wrong(Iommu.open(backend, options), operation),
                        "replay",
                        "-");
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).containsPattern("violations +[1-9]").contains("line 2: ");
    }

    /** What is still mapped costs memory, and the length of a trace does not. */
    @Test
    void memoryIsFlatInTheLengthOfTheTrace() {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 500; i++) {
            lines.append(Traces.map("a-" + i % 7, i * 4096L, i * 8192L, 4096));
        }
        for (int i = 0; i < 500; i++) {
            lines.append(Traces.unmap("b-" + i % 5, i * 4096L, 4096, 4096));
        }
        List<Long> used = new ArrayList<>();
        InputStream trace =
                new RepeatedText(lines.toString(), 1000) {
                    private long next = 50;

                    @Override
                    public int read(byte[] into, int offset, int length) {
                        if (done() == next) {
                            next *= 2;
                            used.add(usedHeap());
                        }
                        return super.read(into, offset, length);
                    }
                };
        CommandRun run = CommandRun.of(trace, "replay", "-", "--json");
        assertThat(run.json())
                .containsEntry("lines", "1000000")
                .containsEntry("violations", "0")
                .containsEntry("live.pages4k", "0");
        assertThat(used).hasSize(5);
        assertThat(used.getLast() - used.getFirst()).isLessThan(1 << 20);
    }

    /* The least of some looks: other threads of the JVM allocate too. */
    private static long usedHeap() {
        Runtime runtime = Runtime.getRuntime();
        long least = Long.MAX_VALUE;
        for (int look = 0; look < 3; look++) {
            System.gc();
            least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
        }
        return least;
    }

    private static Map<String, String> replay(String trace) {
        CommandRun run = CommandRun.of(Traces.stream(trace), "replay", "-", "--json");
        assertThat(run.err()).isEmpty();
        assertThat(run.json()).containsEntry("violations", "0");
        assertThat(run.exitCode()).isZero();
        return run.json();
    }

    /** An Iommu whose domains do one operation wrong. */
    private static Iommu wrong(Iommu real, String operation) {
        return proxy(
                Iommu.class,
                (self, method, arguments) -> {
                    Object result = call(real, method, arguments);
                    return result instanceof IommuDomain domain ? wrong(domain, operation) : result;
                });
    }

    private static IommuDomain wrong(IommuDomain real, String operation) {
        return proxy(
                IommuDomain.class,
                (self, method, arguments) -> {
                    if (!method.getName().equals(operation)) {
                        return call(real, method, arguments);
                    }
                    return switch (operation) {
                        case "unmap" -> {
                            real.split(0x40000000, 2 * MIB, 4096, real.gather());
                            arguments[1] = 8192L;
                            yield call(real, method, arguments);
                        }
                        case "translate" -> (long) call(real, method, arguments) ^ 0x1000;
                        case "map" -> {
                            arguments[1] = (long) arguments[1] + 2 * MIB;
                            yield call(real, method, arguments);
                        }
                        default -> null;
                    };
                });
    }

    private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
