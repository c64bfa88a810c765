package org.iommu4j.cli.vm;

import java.util.Locale;

/** What becomes of a DMA to a page that is out. */
public enum Faults {
    /** The device asks for the page and waits until the host has brought it back. */
    RECOVERABLE,
    /** It is blocked. */
    FATAL;

    /** How users write it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
