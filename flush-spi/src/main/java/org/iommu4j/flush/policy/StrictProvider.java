package org.iommu4j.flush.policy;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.IotlbInvalidator;
import org.iommu4j.machine.ProviderParameters;

/**
 * Provides {@code strict}: at once, and page by page where a few requests cover what changed.
 *
 * <p>How many are few is given as a number, {@code strict:pages=8}; as what requests cost, {@code
 * strict:page=300ns,domain=2us}; or measured, {@code strict:cost=measured,refill=2us}.
 */
public final class StrictProvider implements FlushPolicyProvider {

    private static final String NAME = "strict";
    private static final int RANK = 100;
    private static final int DEFAULT_PAGES = 8;
    private static final Duration NO_TIME = Duration.ZERO;
    private static final Duration LEAST_TIME = Duration.ofNanos(1);
    private static final Duration MOST_TIME = Duration.ofSeconds(1);
    private static final Duration DEFAULT_REFILL = Duration.ofNanos(2000);

    private static final String LEGAL =
            "pages=N with N from 1 to "
                    + RequestCost.MOST_REQUESTS
                    + ": the most page-selective requests for one sync; or page=TIME,domain=TIME:"
                    + " what one request costs; or cost=measured, and refill=TIME if wanted: what a"
                    + " device loses by a domain-selective request";

    private final Function<IotlbInvalidator, Invalidation> invalidation;

    /** For the service loader. */
    public StrictProvider() {
        this(unit -> new AlignedBlocks(unit, DEFAULT_PAGES));
    }

    private StrictProvider(Function<IotlbInvalidator, Invalidation> invalidation) {
        this.invalidation = invalidation;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public FlushPolicyProvider configured(Map<String, String> parameters) {
        ProviderParameters given = new ProviderParameters(NAME, parameters, LEGAL);
        Optional<String> cost = given.text("cost");
        StrictProvider configured;
        if (cost.isPresent()) {
            Duration refill = given.time("refill", DEFAULT_REFILL, NO_TIME, MOST_TIME);
            configured = new StrictProvider(unit -> new MeasuredBlocks(unit, refill));
        } else {
            int limit = limit(given);
            configured = new StrictProvider(unit -> new AlignedBlocks(unit, limit));
        }
        given.requireAllRead();
        if (!cost.orElse("measured").equals("measured")) {
            throw given.illegal();
        }
        return configured;
    }

    @Override
    public FlushPolicy create(FlushContext context) {
        return new ImmediatePolicy(invalidation.apply(context.invalidator()));
    }

    private static int limit(ProviderParameters given) {
        long pages = given.number("pages", 0, 1, RequestCost.MOST_REQUESTS);
        Duration page = given.time("page", NO_TIME, LEAST_TIME, MOST_TIME);
        Duration domain = given.time("domain", NO_TIME, LEAST_TIME, MOST_TIME);
        boolean costs = !page.isZero() && !domain.isZero();
        if (pages != 0 ? !page.isZero() || !domain.isZero() : !costs) {
            throw given.illegal();
        }
        return pages != 0 ? (int) pages : new RequestCost(page, domain).limit();
    }
}
