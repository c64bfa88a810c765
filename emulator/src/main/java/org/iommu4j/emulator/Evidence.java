package org.iommu4j.emulator;

/** What is known of one machine's tables and of who uses them. Any thread may call any method. */
final class Evidence {

    final Moments moments;
    final TablePages pages;
    final Trees trees = new Trees();
    final RecentRemovals recent = new RecentRemovals();
    final Attachments attachments = new Attachments();
    final History history = new History();
    final DirtyReports reports = new DirtyReports();
    final Findings findings = new Findings();
    final ThreadLocal<Strand> strands = ThreadLocal.withInitial(Strand::new);

    /**
     * Knows nothing yet.
     *
     * @param moments the clock
     * @param start where the memory for tables begins
     * @param bytes its size
     */
    Evidence(Moments moments, long start, long bytes) {
        this.moments = moments;
        this.pages = new TablePages(start, bytes);
    }
}
