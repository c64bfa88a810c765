package org.iommu4j.api;

/** Answers page requests, on the executor it was registered with. */
@FunctionalInterface
public interface PageRequestHandler {

    /** What the device is told. */
    enum Response {
        /** The page is mapped now; try again. */
        SUCCESS,
        /** There is no such page. */
        INVALID,
        /** It could not be done. */
        FAILURE
    }

    /**
     * Makes the page present, or not.
     *
     * @param request what the device wants
     * @return the answer; an exception counts as {@link Response#FAILURE}
     */
    Response handle(PageRequest request);
}
