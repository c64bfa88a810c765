package org.iommu4j.cli.swap;

import java.util.Locale;

/** When the host brings a page back. */
public enum SwapIn {
    /** After a while, whether or not anybody wants it. */
    EAGER,
    /** When a device asks for it. */
    ON_FAULT;

    /** How users write it: {@code on-fault}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
