package org.iommu4j.emulator;

/**
 * Hears what a unit does with translations: the hardware's half of what the sanitizer compares. The
 * witness of the machine is the other half.
 *
 * <p>Moments are those of {@link org.iommu4j.machine.Witness#moment()}. Any thread may call any
 * method.
 */
interface Audit {

    /** {@return the moment it is: later than everything reported before} */
    long moment();

    /**
     * A unit has read that a device goes through tables.
     *
     * @param root the root of the tables
     * @param levels how many levels they have
     * @param format how their entries are read
     */
    default void tables(long root, int levels, EntryFormat format) {}

    /**
     * A walk is about to believe a word of a page table that it has loaded.
     *
     * @param root the root of the tables
     * @param address the word's physical address
     * @param value what the unit saw there
     * @param reached the moment when the pointer to this table was loaded: just now, or earlier if
     *     a paging-structure cache held it
     * @param lags true if software's stores reach the unit late
     * @return the latest moment at which this word was, as the unit saw it, a part of the tables:
     *     now, or earlier if the table was unlinked or the word changed and not written back
     */
    long tableRead(long root, long address, long value, long reached, boolean lags);

    /**
     * A DMA used a translation.
     *
     * @param requester the requester id of the device
     * @param pasid the process address space id that the request carries, or {@link
     *     org.iommu4j.machine.SourceId#NO_PASID}
     * @param root the root of the tables that the device goes through now; 0 if through none
     * @param from the root of the tables that the translation was made of; 0 if of none
     * @param iova the I/O virtual address
     * @param write true if the DMA writes there
     * @param asOf the moment of the translation: what {@link #tableRead} returned for its leaf
     * @param begun the moment when the DMA began
     */
    void used(
            int requester,
            int pasid,
            long root,
            long from,
            long iova,
            boolean write,
            long asOf,
            long begun);

    /**
     * A DMA used a translation that its device keeps.
     *
     * @param requester the requester id of the device
     * @param pasid the process address space id that its requests carry, or {@link
     *     org.iommu4j.machine.SourceId#NO_PASID}
     * @param from the root of the tables that the translation was made of
     * @param iova the I/O virtual address
     * @param write true if the DMA writes there
     * @param asOf the moment of the translation: what {@link #tableRead} returned for its leaf
     * @param begun the moment when the DMA began
     */
    default void usedByDevice(
            int requester, int pasid, long from, long iova, boolean write, long asOf, long begun) {}

    /**
     * A page request, or a stop marker, is about to be seen by software.
     *
     * @param request the request
     */
    default void pageRequested(PageRequest request) {}

    /**
     * Software answers a group of page requests.
     *
     * @param requester the requester id of the device
     * @param pasid process address space id, or {@link org.iommu4j.machine.SourceId#NO_PASID}
     * @param group the index of the group
     * @param code the response code
     */
    default void pageAnswered(int requester, int pasid, int group, int code) {}

    /**
     * Page requests of a device can be answered no more, those before now.
     *
     * @param requester the requester id of the device
     * @param why what ends it
     */
    default void pageRequestsEnd(int requester, String why) {}

    /**
     * A DMA was blocked by page tables.
     *
     * @param requester the requester id of the device
     * @param pasid the process address space id that the request carries, or {@link
     *     org.iommu4j.machine.SourceId#NO_PASID}
     * @param root the root of the tables
     * @param iova the I/O virtual address
     * @param write true for a write
     * @param code the reason code
     * @param begun the moment when the DMA began
     */
    void blocked(
            int requester, int pasid, long root, long iova, boolean write, int code, long begun);

    /**
     * The unit has carried out an invalidation; for the history.
     *
     * @param what what was invalidated, as a person reads it
     */
    void invalidated(String what);
}
