package org.iommu4j.cli;

import org.iommu4j.cli.report.SizeHistogram;

/**
 * Puts ranges of one domain together that are neighbours and come one after another, as when a
 * scatter list is mapped page by page: what a map of several pages, or a larger page, could do at
 * once. For one thread.
 */
final class NeighbourRuns {
    private final Run maps;
    private final Run unmaps;

    /**
     * Begins.
     *
     * @param maps counts the runs of maps
     * @param unmaps counts the runs of unmaps
     */
    NeighbourRuns(SizeHistogram maps, SizeHistogram unmaps) {
        this.maps = new Run(maps);
        this.unmaps = new Run(unmaps);
    }

    void map(long iova, long size) {
        maps.add(iova, size);
    }

    void unmap(long iova, long size) {
        unmaps.add(iova, size);
    }

    /** Counts what was still growing. */
    void end() {
        maps.end();
        unmaps.end();
    }

    private static final class Run {
        private final SizeHistogram sizes;
        private long start;
        private long end;

        Run(SizeHistogram sizes) {
            this.sizes = sizes;
        }

        void add(long iova, long size) {
            if (start == end || iova != end && iova + size != start) {
                end();
                start = iova;
                end = iova + size;
            } else {
                start = Math.min(start, iova);
                end = Math.max(end, iova + size);
            }
        }

        void end() {
            if (end > start) {
                sizes.add(end - start);
            }
            start = 0;
            end = 0;
        }
    }
}
