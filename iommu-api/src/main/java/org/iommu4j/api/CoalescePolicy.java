package org.iommu4j.api;

import java.time.Duration;
import java.util.Objects;

/**
 * When a domain merges small leaves into larger ones. Immutable.
 *
 * @param when on which occasions
 * @param quiet in the background: how long no leaf was split and no table came or went before a
 *     step is taken, and how far steps are apart; else zero
 * @param step in the background: how many table entries one step looks at, at most; else 0
 */
public record CoalescePolicy(When when, Duration quiet, int step) {

    /** The occasions. */
    public enum When {
        /** Never; {@link IommuDomain#coalesce} is refused. */
        NEVER,
        /** When {@link IommuDomain#coalesce} is called. */
        ON_REQUEST,
        /** Also after each map, for the tables in which its ends lie. */
        ON_MAP,
        /** Also while the domain is quiet, a step at a time, round and round. */
        IN_BACKGROUND
    }

    /** How many table entries a step in the background looks at unless told. */
    public static final int USUAL_STEP = 4096;

    private static final CoalescePolicy NEVER = new CoalescePolicy(When.NEVER, Duration.ZERO, 0);
    private static final CoalescePolicy ON_REQUEST =
            new CoalescePolicy(When.ON_REQUEST, Duration.ZERO, 0);
    private static final CoalescePolicy ON_MAP = new CoalescePolicy(When.ON_MAP, Duration.ZERO, 0);

    /**
     * Checks the bounds.
     *
     * @throws IllegalArgumentException if a time or a step is missing in the background, or given
     *     elsewhere
     */
    public CoalescePolicy {
        Objects.requireNonNull(when, "when");
        boolean background = when == When.IN_BACKGROUND;
        if (background != quiet.isPositive() || background != step > 0 || step < 0) {
            throw new IllegalArgumentException(
                    "coalesce "
                            + when
                            + " with a quiet time of "
                            + quiet
                            + " and a step of "
                            + step
                            + "; both are positive in the background, and zero else");
        }
    }

    /** {@return nothing is ever merged} */
    public static CoalescePolicy never() {
        return NEVER;
    }

    /** {@return leaves are merged when that is asked for: the usual policy} */
    public static CoalescePolicy onRequest() {
        return ON_REQUEST;
    }

    /** {@return leaves are merged as soon as a map has completed a table} */
    public static CoalescePolicy onMap() {
        return ON_MAP;
    }

    /**
     * Returns a policy that merges leaves while a domain is quiet.
     *
     * @param quiet how long nothing was split, and no table came or went, before a step; positive
     * @return the policy, with the {@linkplain #USUAL_STEP usual step}
     * @throws IllegalArgumentException if the time is not positive
     */
    public static CoalescePolicy inBackground(Duration quiet) {
        return new CoalescePolicy(When.IN_BACKGROUND, quiet, USUAL_STEP);
    }

    /**
     * Bounds the work of one step in the background.
     *
     * @param entries how many table entries it looks at, at most
     * @return a changed policy
     * @throws IllegalArgumentException if it is not positive, or the policy is another one
     */
    public CoalescePolicy withStep(int entries) {
        return new CoalescePolicy(when, quiet, entries);
    }
}
