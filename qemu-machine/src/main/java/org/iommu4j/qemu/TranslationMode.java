package org.iommu4j.qemu;

/** Which translations QEMU's remapping unit offers: one process offers one kind. */
public enum TranslationMode {
    /** Legacy mode: context entries, second-stage tables. */
    LEGACY,

    /** Scalable mode with second-stage tables: {@code x-scalable-mode=on}. */
    SCALABLE_SECOND,

    /**
     * Scalable mode with first-stage tables: {@code x-scalable-mode=on,x-flts=on}, which QEMU has
     * from 10.0 on.
     */
    SCALABLE_FIRST
}
