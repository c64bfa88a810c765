package org.iommu4j.emulator;

/** Which entry of the IOTLB makes place for a new one where there is no room. */
public enum Replacement {
    /** The one that came first. */
    OLDEST,
    /** Any, as a seed says. */
    ANY
}
