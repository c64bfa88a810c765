package org.iommu4j.stress;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Collection;
import java.util.function.BiConsumer;
import org.openjdk.jcstress.infra.collectors.TestResult;
import org.openjdk.jcstress.infra.runners.ForkedTestConfig;
import org.openjdk.jcstress.infra.runners.ResourceEstimator;
import org.openjdk.jcstress.infra.runners.Runner;
import org.openjdk.jcstress.infra.runners.SpinLoopStyle;

/**
 * Runs tests one after the other in this JVM, as jcstress does in each that it forks: it takes no
 * longer than the trials, where jcstress first starts some twenty JVMs to learn what they can do.
 *
 * @param iterations how many times each test is run
 * @param millis for how long each time
 */
record InThisJvm(int iterations, int millis) implements Runs {

    @Override
    public void of(Collection<String> tests, BiConsumer<String, TestResult> came) {
        tests.forEach(test -> came.accept(test, run(StressTests.info(test).generatedRunner())));
    }

    private TestResult run(String runner) {
        try {
            return Class.forName(runner)
                    .asSubclass(Runner.class)
                    .getConstructor(ForkedTestConfig.class)
                    .newInstance(config(runner))
                    .run();
        } catch (ReflectiveOperationException | IOException e) {
            throw new IllegalStateException("jcstress: " + e, e);
        }
    }

    /** What a JVM that jcstress forks is told; it can be made from the words of that only. */
    private ForkedTestConfig config(String runner) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream words = new DataOutputStream(bytes);
        /* Where other programs run too, who waits must let the other thread have the processor. */
        words.writeInt(SpinLoopStyle.THREAD_YIELD.ordinal());
        words.writeInt(millis);
        words.writeInt(iterations);
        words.writeUTF(runner);
        words.writeInt(HEAP_MEGABYTES);
        words.writeInt(TRIALS_BETWEEN_MEETINGS);
        words.writeInt(MEETINGS);
        words.writeBoolean(false);
        return new Told(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
    }

    /**
     * Does as it is told. jcstress would first try how much a machine can take, which on a busy one
     * is longer than the trials; and what these take is known.
     */
    private static final class Told extends ForkedTestConfig {

        Told(DataInputStream words) throws IOException {
            super(words);
        }

        @Override
        public void adjustStrideCount(ResourceEstimator estimator) {}
    }
}
