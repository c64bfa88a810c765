package org.iommu4j.emulator;

/**
 * How a unit treats what it has cached. Software that is correct works with each of them; software
 * that forgets an invalidation, or relies on a cache, fails with one.
 */
public enum CacheBehaviour {
    /** Entries stay while there is room; the oldest make place for new ones. */
    ORDINARY,
    /** Nothing leaves a cache until software invalidates it, as far as there is room. */
    KEEPS_EVERYTHING,
    /**
     * Any entry may vanish at any moment, anything reachable may be fetched ahead, and of two page
     * sizes either is used; as a seed says.
     */
    DROPS_ANYTHING
}
