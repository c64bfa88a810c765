package org.iommu4j.inspector;

import org.iommu4j.walker.PageTableFormat;

/**
 * What names a set of page tables: equal keys are the same tables.
 *
 * @param mode the mode of the root table it was found below
 * @param translation which stage is walked; nested is walked as second stage
 * @param format how the tables are read
 * @param root the root's physical address
 * @param users who uses them, for messages: the first domain and device found; no part of equality
 */
record SpaceKey(
        Mode mode, Translation translation, PageTableFormat format, long root, String users) {

    @Override
    public boolean equals(Object other) {
        return other instanceof SpaceKey that
                && root == that.root
                && format == that.format
                && translation.isFirstStage() == that.translation.isFirstStage();
    }

    @Override
    public int hashCode() {
        return Long.hashCode(root) * 31 + format.levels();
    }
}
