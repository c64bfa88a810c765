package org.iommu4j.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;

/**
 * Replays a trace: reads events, waits a little for flushes to name their domains, decides whose
 * each event is, and does it on that domain's live counterpart. Memory follows what is mapped, not
 * the length of the trace. For one thread; one replay an object.
 */
final class Replay {
    private static final int USUAL_WIDTH = 48;
    private static final long PROGRESS_STEP = 1 << 14;

    /**
     * Domains are compared whole after so many events, or after as many as they have pages if that
     * is more.
     */
    private static final long COMPARISON_INTERVAL = 1 << 16;

    private final Iommu iommu;
    private final ReplaySettings settings;
    private final ReplayGround ground;
    private final HeldBack heldBack;
    private final ReplayObserver observer;
    private final DomainOptions domainOptions;
    private final long domainEnd;
    private final long outputEnd;
    private final ReplayCounts counts = new ReplayCounts();
    private final DomainAttribution attribution = new DomainAttribution();
    private final EventWindow window = new EventWindow();
    private final List<ReplayedDomain> domains = new ArrayList<>();
    private long untilComparison = COMPARISON_INTERVAL;
    private long line;

    /**
     * Prepares a replay.
     *
     * @param iommu what domains are made on; the caller closes it
     * @param settings how
     * @param ground what the Iommu stands on
     * @param heldBack the flush policy that the Iommu was opened with
     * @param observer sees it go on
     * @throws IllegalArgumentException if such domains cannot be made
     */
    Replay(
            Iommu iommu,
            ReplaySettings settings,
            ReplayGround ground,
            HeldBack heldBack,
            ReplayObserver observer) {
        this.iommu = iommu;
        this.settings = settings;
        this.ground = ground;
        this.heldBack = heldBack;
        this.observer = observer;
        Capabilities capabilities = iommu.capabilities();
        List<Integer> widths = capabilities.addressWidths();
        int width = widths.contains(USUAL_WIDTH) ? USUAL_WIDTH : widths.getLast();
        domainEnd = 1L << width;
        outputEnd = 1L << Math.min(capabilities.hostAddressWidth(), 62);
        domainOptions =
                DomainOptions.defaults()
                        .withAddressWidth(width)
                        .withPageSizes(settings.pageSizeBits())
                        .withPartialUnmap(settings.partialUnmap())
                        .withCoalesce(settings.coalesce());
        iommu.createDomain(domainOptions).close();
    }

    /**
     * Replays a trace to its end.
     *
     * @param stored the trace, plain or packed; the caller closes it
     * @param progress told the number of events read, now and then
     * @return what was seen
     * @throws IOException if the trace cannot be read or unpacked
     */
    ReplayReport run(InputStream stored, LongConsumer progress) throws IOException {
        long start = System.nanoTime();
        TraceReader reader = new TraceReader(TraceInput.open(stored));
        TraceEvent event = window.vacant();
        while (reader.next(event)) {
            observer.read(event, reader);
            admit(event);
            while (window.isDue()) {
                replayFirst();
            }
            if ((counts.map + counts.unmap) % PROGRESS_STEP == 0) {
                progress.accept(counts.map + counts.unmap);
            }
            event = window.vacant();
        }
        while (!window.isEmpty()) {
            replayFirst();
        }
        domains.forEach(ReplayedDomain::finish);
        observer.end(this);
        domains.forEach(ReplayedDomain::compareWhole);
        double seconds = (System.nanoTime() - start) / 1e9;
        return ReplayReport.of(
                reader, counts, attribution, domains, settings, heldBack.peakPages(), seconds);
    }

    /** The line of the event last read; 0 before the first. */
    long line() {
        return line;
    }

    /** What has been counted up to now. */
    ReplayCounts counts() {
        return counts;
    }

    /** The live domains there are now. */
    List<ReplayedDomain> domains() {
        return domains;
    }

    /** Table pages that wait for an invalidation now. */
    long heldPages() {
        return heldBack.pages();
    }

    private void admit(TraceEvent event) {
        line = event.line;
        switch (event.kind) {
            case FLUSH -> {
                counts.flushes++;
                window.name(event);
                return;
            }
            case MAP -> counts.map++;
            case UNMAP -> counts.unmap++;
        }
        if (event.failed()) {
            counts.failed++;
        } else if (isTooWide(event)) {
            counts.refused++;
        } else {
            window.add();
        }
    }

    private boolean isTooWide(TraceEvent event) {
        return switch (event.kind) {
            case MAP ->
                    event.iova + event.size > domainEnd
                            || event.outputAddress + event.size > outputEnd;
            case UNMAP -> event.iova + Math.max(event.size, event.unmappedSize) > domainEnd;
            case FLUSH -> false;
        };
    }

    private void replayFirst() {
        TraceEvent event = window.first();
        boolean map = event.kind == TraceEvent.Kind.MAP;
        TracedDomain domain = map ? attribution.ofMap(event) : attribution.ofUnmap(event);
        observer.before(event, domain, this);
        if (map) {
            counts.mapsDone++;
            counts.bytesMapped += event.size;
            live(domain).map(event);
        } else {
            counts.unmapsDone++;
            counts.bytesUnmapped += event.unmappedSize;
            live(domain).unmap(event);
        }
        window.removeFirst();
        if (--untilComparison == 0) {
            compareAll();
        }
    }

    private void compareAll() {
        long pages = 0;
        for (TracedDomain domain : attribution.domains()) {
            live(domain).compareWhole();
            pages += domain.live.bytes() / 4096;
        }
        untilComparison = Math.max(COMPARISON_INTERVAL, pages);
    }

    private ReplayedDomain live(TracedDomain domain) {
        while (domains.size() <= domain.number) {
            TracedDomain next = attribution.domains().get(domains.size());
            IommuDomain tables = iommu.createDomain(domainOptions);
            ground.attach(iommu, tables);
            domains.add(
                    new ReplayedDomain(
                            tables,
                            next.live,
                            settings.partialUnmap(),
                            domainEnd,
                            counts,
                            observer.times()));
        }
        return domains.get(domain.number);
    }
}
