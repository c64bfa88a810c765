package org.iommu4j.inspector;

import java.util.Locale;

/** Which structures a root table begins: what the root-table address register's TTM field says. */
public enum Mode {
    /** Root and context tables; second stage only. */
    LEGACY,
    /** Root, context and PASID tables; both stages. */
    SCALABLE;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
