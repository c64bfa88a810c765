package org.iommu4j.flush.policy;

import java.time.Duration;
import java.util.Map;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.ProviderParameters;

/**
 * Provides {@code deferred}: later, and for many gathers at once.
 *
 * <p>Its parameters bound what may wait: {@code deferred:count=256,bytes=1m,age=10ms}.
 */
public final class DeferredProvider implements FlushPolicyProvider {

    private static final String NAME = "deferred";
    private static final int DEFAULT_COUNT = 256;
    private static final int MOST_COUNT = 1 << 20;
    private static final long DEFAULT_BYTES = 1 << 20;
    private static final long MOST_BYTES = 1L << 40;
    private static final Duration DEFAULT_AGE = Duration.ofMillis(10);
    private static final Duration LEAST_AGE = Duration.ofNanos(10_000);
    private static final Duration MOST_AGE = Duration.ofSeconds(10);

    private static final String LEGAL =
            "count=N with N from 1 to "
                    + MOST_COUNT
                    + " (gathers of a domain that make a batch), bytes=SIZE from 4k to 1024g (table"
                    + " pages that wait, of all domains), age=TIME from 10us to 10s (how long"
                    + " anything waits)";

    private final int count;
    private final long bytes;
    private final Duration age;

    /** For the service loader. */
    public DeferredProvider() {
        this(DEFAULT_COUNT, DEFAULT_BYTES, DEFAULT_AGE);
    }

    private DeferredProvider(int count, long bytes, Duration age) {
        this.count = count;
        this.bytes = bytes;
        this.age = age;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public FlushPolicyProvider configured(Map<String, String> parameters) {
        ProviderParameters given = new ProviderParameters(NAME, parameters, LEGAL);
        DeferredProvider configured =
                new DeferredProvider(
                        (int) given.number("count", count, 1, MOST_COUNT),
                        given.bytes("bytes", bytes, PhysicalMemory.PAGE_SIZE, MOST_BYTES),
                        given.time("age", age, LEAST_AGE, MOST_AGE));
        given.requireAllRead();
        return configured;
    }

    @Override
    public FlushPolicy create(FlushContext context) {
        return new DeferredPolicy(context, count, bytes / PhysicalMemory.PAGE_SIZE, age);
    }
}
