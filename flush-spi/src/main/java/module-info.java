import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.cache.LineFlusherProvider;
import org.iommu4j.flush.cache.NoFlusherProvider;
import org.iommu4j.flush.cache.PageFlusherProvider;
import org.iommu4j.flush.policy.DeferredProvider;
import org.iommu4j.flush.policy.DomainProvider;
import org.iommu4j.flush.policy.StrictProvider;
import org.jspecify.annotations.NullMarked;

/**
 * What invalidates an IOMMU's caches, what decides when, and what writes the processor's caches
 * back. A backend offers the first; policies and flushers are chosen by name or rank.
 */
@NullMarked
module org.iommu4j.flush {
    requires transitive org.iommu4j.api;
    requires static transitive org.jspecify;

    exports org.iommu4j.flush;

    uses CacheFlusherProvider;
    uses FlushPolicyProvider;

    provides CacheFlusherProvider with
            LineFlusherProvider,
            NoFlusherProvider,
            PageFlusherProvider;
    provides FlushPolicyProvider with
            DeferredProvider,
            DomainProvider,
            StrictProvider;
}
