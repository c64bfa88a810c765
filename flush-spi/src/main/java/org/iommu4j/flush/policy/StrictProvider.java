package org.iommu4j.flush.policy;

import java.util.Map;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;

/**
 * Provides {@code strict}: at once, and page by page where a few requests cover what changed.
 *
 * <p>Its parameter {@code pages} says how many requests are few: {@code strict:pages=8}.
 */
public final class StrictProvider implements FlushPolicyProvider {

    private static final int RANK = 100;
    private static final int DEFAULT_PAGES = 8;
    private static final int MAX_PAGES = 1024;

    private final int pages;

    /** For the service loader. */
    public StrictProvider() {
        this(DEFAULT_PAGES);
    }

    private StrictProvider(int pages) {
        this.pages = pages;
    }

    @Override
    public String name() {
        return "strict";
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public FlushPolicyProvider configured(Map<String, String> parameters) {
        String given = parameters.getOrDefault("pages", "");
        if (parameters.size() != 1 || !given.matches("[0-9]{1,4}")) {
            throw illegal(parameters);
        }
        int number = Integer.parseInt(given);
        if (number < 1 || number > MAX_PAGES) {
            throw illegal(parameters);
        }
        return new StrictProvider(number);
    }

    @Override
    public FlushPolicy create(FlushContext context) {
        return new ImmediatePolicy(new AlignedBlocks(context.invalidator(), pages));
    }

    private static IllegalArgumentException illegal(Map<String, String> parameters) {
        return new IllegalArgumentException(
                "\"strict\" was given "
                        + parameters
                        + "; legal is pages=N with N from 1 to "
                        + MAX_PAGES
                        + ": the most page-selective requests for one sync");
    }
}
