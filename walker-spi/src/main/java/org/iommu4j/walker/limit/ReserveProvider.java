package org.iommu4j.walker.limit;

import java.util.Map;
import java.util.Optional;
import org.iommu4j.machine.ProviderParameters;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/**
 * Provides {@code reserve}: pages of another allocator, of which some are kept for splits.
 *
 * <p>{@code reserve:pages=64}, and over which allocator: {@code
 * reserve:pages=64,over=quota:bytes=1g}.
 */
public final class ReserveProvider extends StandingProvider {

    private static final String NAME = "reserve";
    private static final int DEFAULT_PAGES = 64;
    private static final int MOST = 1 << 20;
    private static final String LEGAL =
            "pages=N with N from 1 to " + MOST + ", such as reserve:pages=64; and over=ALLOCATOR";

    private final int pages;

    /** For the service loader. */
    public ReserveProvider() {
        this(DEFAULT_PAGES, Optional.empty());
    }

    private ReserveProvider(int pages, Optional<String> inner) {
        super(inner);
        this.pages = pages;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public TableAllocatorProvider configured(Map<String, String> parameters) {
        ProviderParameters given = new ProviderParameters(NAME, parameters, LEGAL);
        ReserveProvider configured =
                new ReserveProvider(
                        (int) given.number("pages", pages, 1, MOST), given.text("over"));
        given.requireAllRead();
        return configured;
    }

    @Override
    ReserveProvider alone() {
        return new ReserveProvider(pages, Optional.empty());
    }

    @Override
    TableAllocator standingOn(TableAllocator lower) {
        return new ReserveAllocator(lower, pages);
    }
}
