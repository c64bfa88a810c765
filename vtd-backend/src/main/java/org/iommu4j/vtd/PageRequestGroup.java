package org.iommu4j.vtd;

import java.util.ArrayList;
import java.util.List;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.PageRequest;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.api.PageRequestHandler.Response;
import org.iommu4j.vtd.event.PageRequestEvent;

/** Page requests of one device that are answered together, and once. */
final class PageRequestGroup {

    private static final Logger LOG = LogManager.getLogger(PageRequestGroup.class);

    private final Unit unit;
    private final List<PageRequestRecord> records;
    private boolean answered;

    /**
     * Makes a group.
     *
     * @param unit where it came from
     * @param earlier all requests but the last, in order
     * @param last the one that wants the answer
     */
    PageRequestGroup(Unit unit, List<PageRequestRecord> earlier, PageRequestRecord last) {
        this.unit = unit;
        this.records = new ArrayList<>(earlier);
        records.add(last);
    }

    /** {@return whose requests these are} */
    PageRequester requester() {
        return PageRequester.of(unit, records.getLast());
    }

    /** Has every request handled, and answers with the worst of what came of it. */
    void handle(PageRequestHandler handler) {
        PageRequestEvent event = PageRequestEvent.begun();
        Response worst = Response.SUCCESS;
        for (PageRequestRecord each : records) {
            Response response = response(handler, request(each));
            worst = response.compareTo(worst) > 0 ? response : worst;
        }
        answer(worst);
        if (event != null) {
            PageRequest last = request(records.getLast());
            event.ended(
                    last.source().toString(),
                    last.pasid(),
                    last.iova(),
                    records.size(),
                    worst.toString());
        }
    }

    private static Response response(PageRequestHandler handler, PageRequest request) {
        try {
            Response response = handler.handle(request);
            if (response != null) {
                return response;
            }
            LOG.warn("a page-request handler answered null, which counts as failure: {}", request);
        } catch (RuntimeException | Error e) {
            LOG.warn("a page-request handler threw, which counts as failure: {}", request, e);
        }
        return Response.FAILURE;
    }

    private PageRequest request(PageRequestRecord raw) {
        return new PageRequest(
                unit.source(raw.requester()),
                raw.pasid(),
                raw.group(),
                raw.iova(),
                raw.reads(),
                raw.writes(),
                raw.isLast());
    }

    /**
     * Answers, unless that was done; it has been done when this returns. Does not wait for the
     * unit, but while its queue is full.
     */
    synchronized void answer(Response response) {
        if (answered) {
            return;
        }
        answered = true;
        try {
            unit.submit(Descriptor.pageResponse(records.getLast(), code(response)));
        } catch (IommuException e) {
            LOG.error("{} waits for an answer that cannot be given", requester(), e);
        }
    }

    private static int code(Response response) {
        return switch (response) {
            case SUCCESS -> 0;
            case INVALID -> 1;
            case FAILURE -> 15;
        };
    }
}
