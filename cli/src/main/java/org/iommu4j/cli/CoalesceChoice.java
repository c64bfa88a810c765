package org.iommu4j.cli;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.iommu4j.api.CoalescePolicy;
import org.iommu4j.machine.Provider;
import org.iommu4j.machine.ProviderParameters;
import org.iommu4j.machine.Providers;

/**
 * When leaves are merged, as users write it: a name, and perhaps parameters behind it, as in {@code
 * in-background:quiet=5ms}.
 *
 * @param name the policy's name
 * @param policy the policy
 */
record CoalesceChoice(String name, CoalescePolicy policy) implements Provider {
    private static final Duration USUAL_QUIET = Duration.ofMillis(10);
    private static final Duration LEAST_QUIET = Duration.ofNanos(1000);
    private static final Duration MOST_QUIET = Duration.ofSeconds(10);
    private static final int MOST_STEP = 1 << 24;

    private static final List<CoalesceChoice> ALL =
            List.of(
                    new CoalesceChoice("never", CoalescePolicy.never()),
                    new CoalesceChoice("on-request", CoalescePolicy.onRequest()),
                    new CoalesceChoice("on-map", CoalescePolicy.onMap()),
                    new CoalesceChoice("in-background", CoalescePolicy.inBackground(USUAL_QUIET)));

    /**
     * Reads a choice.
     *
     * @throws IllegalArgumentException if there is no such policy; the message lists those there
     *     are
     */
    static CoalesceChoice named(String choice) {
        return Providers.choose(CoalesceChoice.class, "coalesce policy", ALL, choice);
    }

    boolean isInBackground() {
        return policy.when() == CoalescePolicy.When.IN_BACKGROUND;
    }

    @Override
    public CoalesceChoice configured(Map<String, String> parameters) {
        if (!isInBackground()) {
            Provider.super.configured(parameters); // which refuses them
        }
        ProviderParameters given =
                new ProviderParameters(
                        name,
                        parameters,
                        "quiet=T with T from 1us to 10s, step=N with N from 1 to " + MOST_STEP);
        Duration quiet = given.time("quiet", USUAL_QUIET, LEAST_QUIET, MOST_QUIET);
        long step = given.number("step", CoalescePolicy.USUAL_STEP, 1, MOST_STEP);
        given.requireAllRead();
        return new CoalesceChoice(name, CoalescePolicy.inBackground(quiet).withStep((int) step));
    }
}
