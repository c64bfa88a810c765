package org.iommu4j.inspector;

import java.util.Locale;

/** How bad a finding is. */
public enum Severity {
    /** The tables are wrong: something faults, leads nowhere, or undermines isolation. */
    ERROR,
    /** Legal, and seldom meant. */
    WARNING,
    /** Worth knowing when the rest is read. */
    NOTE;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
