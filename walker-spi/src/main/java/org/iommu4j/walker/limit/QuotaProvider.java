package org.iommu4j.walker.limit;

import java.util.Map;
import java.util.Optional;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.ProviderParameters;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/**
 * Provides {@code quota}: so many bytes and no more, of pages that are shared.
 *
 * <p>{@code quota:bytes=16m} for a domain; for an Iommu also over which allocator: {@code
 * quota:bytes=1g,over=reserve:pages=64}.
 */
public final class QuotaProvider extends StandingProvider {

    private static final String NAME = "quota";
    private static final long MOST = 1L << 52;
    private static final String LEGAL =
            "bytes=SIZE of at least 4k, such as quota:bytes=16m; and over=ALLOCATOR if wanted";

    private final long bytes;

    /** For the service loader. */
    public QuotaProvider() {
        this(0, Optional.empty());
    }

    private QuotaProvider(long bytes, Optional<String> inner) {
        super(inner);
        this.bytes = bytes;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public TableAllocatorProvider configured(Map<String, String> parameters) {
        ProviderParameters given = new ProviderParameters(NAME, parameters, LEGAL);
        QuotaProvider configured =
                new QuotaProvider(
                        given.bytes("bytes", bytes, PhysicalMemory.PAGE_SIZE, MOST),
                        given.text("over"));
        given.requireAllRead();
        return configured;
    }

    @Override
    QuotaProvider alone() {
        return new QuotaProvider(bytes, Optional.empty());
    }

    @Override
    TableAllocator standingOn(TableAllocator lower) {
        if (bytes == 0) {
            throw new ProviderParameters(NAME, Map.of(), LEGAL).illegal();
        }
        return new QuotaAllocator(lower, bytes / PhysicalMemory.PAGE_SIZE);
    }
}
