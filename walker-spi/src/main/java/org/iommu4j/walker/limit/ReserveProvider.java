package org.iommu4j.walker.limit;

import java.util.Map;
import java.util.Optional;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.ProviderParameters;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/**
 * Provides {@code reserve}: pages of another allocator, of which some are kept for splits.
 *
 * <p>{@code reserve:pages=64}, and over which allocator: {@code
 * reserve:pages=64,over=quota:bytes=1g}.
 */
public final class ReserveProvider implements TableAllocatorProvider {

    private static final String NAME = "reserve";
    private static final int DEFAULT_PAGES = 64;
    private static final int MOST = 1 << 20;
    private static final String LEGAL =
            "pages=N with N from 1 to " + MOST + ", such as reserve:pages=64; and over=ALLOCATOR";

    private final int pages;
    private final Optional<String> inner;

    /** For the service loader. */
    public ReserveProvider() {
        this(DEFAULT_PAGES, Optional.empty());
    }

    private ReserveProvider(int pages, Optional<String> inner) {
        this.pages = pages;
        this.inner = inner;
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
    public TableAllocator create(PhysicalMemory memory) {
        return alone().over(Inner.provider(inner)).create(memory);
    }

    @Override
    public TableAllocator over(TableAllocator shared) {
        if (inner.isPresent()) {
            return alone().over(Inner.provider(inner)).over(shared);
        }
        return new ReserveAllocator(shared, pages);
    }

    /** The same, but for what it was told to stand over. */
    private ReserveProvider alone() {
        return new ReserveProvider(pages, Optional.empty());
    }
}
