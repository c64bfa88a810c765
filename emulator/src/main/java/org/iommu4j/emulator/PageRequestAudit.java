package org.iommu4j.emulator;

import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * Holds the answers of software against the page requests that the units have queued: each group
 * exactly one, a stop marker none (rule F2). Any thread may call any method.
 */
final class PageRequestAudit {

    private static final String RULE = "F2";
    private static final long NO_TABLES = -1;

    private final Evidence evidence;
    private final PageRequestLedger ledger = new PageRequestLedger();

    PageRequestAudit(Evidence evidence) {
        this.evidence = evidence;
    }

    /** See {@link Audit#pageRequested}. */
    void requested(PageRequest request) {
        ledger.asked(request);
        note("is asked by " + text(request));
    }

    /** See {@link Audit#pageAnswered}. */
    void answered(int requester, int pasid, int group, int code) {
        @Nullable String wrong = ledger.answered(requester, pasid, group);
        note("answers " + text(requester, pasid, group) + " with " + code);
        if (wrong != null) {
            found("software answers " + wrong + ": " + text(requester, pasid, group));
        }
    }

    /** See {@link Audit#pageRequestsEnd}. */
    void end(int requester, String why) {
        for (PageRequest left : ledger.end(requester)) {
            found("page request without an answer when " + why + ": " + text(left));
        }
    }

    private void note(String what) {
        evidence.history.everywhere(evidence.moments.tick(), what);
    }

    private void found(String what) {
        evidence.findings.add(RULE, what, () -> evidence.history.of(NO_TABLES, 0, 0));
    }

    private static String text(PageRequest request) {
        String who = text(request.requester(), request.pasid(), request.group());
        return request.isStopMarker()
                ? who + ", stop marker"
                : who
                        + ", 0x"
                        + Long.toHexString(request.iova())
                        + (request.last() ? ", last" : "");
    }

    private static String text(int requester, int pasid, int group) {
        return "device 0x"
                + Integer.toHexString(requester)
                + (pasid == SourceId.NO_PASID ? "" : ", PASID 0x" + Integer.toHexString(pasid))
                + ", group "
                + group;
    }
}
