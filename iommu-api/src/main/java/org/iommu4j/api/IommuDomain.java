package org.iommu4j.api;

import java.util.List;
import java.util.Optional;

/**
 * An I/O virtual address space: what the devices attached to it see.
 *
 * <p>Addresses and sizes are in bytes and are multiples of the smallest page size. A successful
 * call takes effect page by page in some order; a failing call changes nothing, and its decision
 * was true at one instant. Any thread may call any operation on any range at any time; calls on
 * disjoint ranges do not disturb each other. After {@link #close()} every operation throws {@link
 * IllegalStateException}.
 *
 * <p>What {@code unmap} removed stays reachable for devices until the gather it went into was
 * {@linkplain #sync synced} and the sync completed. Only then may the memory, or the I/O virtual
 * addresses, be used for something else.
 */
public interface IommuDomain extends AutoCloseable {

    /** The answer of {@link #translate} where nothing is mapped. */
    long NOT_MAPPED = -1L;

    /**
     * Maps a range with the largest leaves that alignment and page sizes allow. When it returns,
     * devices can use it.
     *
     * @param iova first I/O virtual address
     * @param outputAddress what it translates to; the range translates linearly
     * @param size bytes; positive
     * @param access what devices may do
     * @throws MappingConflictException if any byte of the range is mapped; nothing has changed
     * @throws TableMemoryExhaustedException if there are too few pages for tables; nothing has
     *     changed
     * @throws UnsupportedFeatureException if the format cannot express the access
     * @throws IllegalArgumentException if an address or the size is misaligned, or out of the
     *     domain's or the host's width
     */
    void map(long iova, long outputAddress, long size, Access access);

    /**
     * Maps a range, and leaves what the hardware needs to see it to a gather.
     *
     * @param iova first I/O virtual address
     * @param outputAddress what it translates to
     * @param size bytes; positive
     * @param access what devices may do
     * @param gather a gather of this domain; devices can use the range when it was synced
     * @throws MappingConflictException if any byte of the range is mapped; nothing has changed
     * @throws TableMemoryExhaustedException if there are too few pages for tables; nothing has
     *     changed
     * @throws UnsupportedFeatureException if the format cannot express the access
     * @throws IllegalArgumentException as of {@link #map(long, long, long, Access)}, or if the
     *     gather is another domain's
     */
    void map(long iova, long outputAddress, long size, Access access, IotlbGather gather);

    /**
     * Maps a range unless something is mapped there.
     *
     * @param iova first I/O virtual address
     * @param outputAddress what it translates to
     * @param size bytes; positive
     * @param access what devices may do
     * @param gather a gather of this domain
     * @return false if any byte of the range is mapped; nothing has changed then
     * @throws TableMemoryExhaustedException if there are too few pages for tables; nothing has
     *     changed
     * @throws UnsupportedFeatureException if the format cannot express the access
     * @throws IllegalArgumentException as of {@link #map(long, long, long, Access, IotlbGather)}
     */
    boolean tryMap(long iova, long outputAddress, long size, Access access, IotlbGather gather);

    /**
     * Unmaps a range; holes in it are skipped. Nothing is flushed and nothing freed: that is the
     * gather's. A leaf that the range covers only in part is treated as {@link
     * DomainOptions#partialUnmap()} says.
     *
     * @param iova first I/O virtual address
     * @param size bytes; positive
     * @param gather a gather of this domain
     * @return how many bytes were mapped and are not any more
     * @throws PartialUnmapException if a leaf is covered in part and the domain rejects that;
     *     nothing has changed
     * @throws TableMemoryExhaustedException if a split needs more pages than there are; nothing has
     *     changed
     * @throws IllegalArgumentException if the range is misaligned or out of the domain's width, or
     *     the gather is another domain's
     */
    long unmap(long iova, long size, IotlbGather gather);

    /**
     * Unmaps a range, flushes and waits: when it returns, devices cannot reach it and its memory
     * may be reused.
     *
     * @param iova first I/O virtual address
     * @param size bytes; positive
     * @return how many bytes were mapped and are not any more
     * @throws PartialUnmapException as of {@link #unmap(long, long, IotlbGather)}
     * @throws TableMemoryExhaustedException as of {@link #unmap(long, long, IotlbGather)}
     * @throws IllegalArgumentException as of {@link #unmap(long, long, IotlbGather)}
     */
    long unmap(long iova, long size);

    /**
     * Makes boundaries between leaves at both ends of a range, so that no leaf straddles one.
     * Hitless; nothing is unmapped.
     *
     * @param iova the first boundary
     * @param size bytes to the second boundary; positive
     * @param gather a gather of this domain
     * @throws TableMemoryExhaustedException if there are too few pages; nothing has changed
     * @throws IllegalArgumentException as of {@link #unmap(long, long, IotlbGather)}
     */
    void cut(long iova, long size, IotlbGather gather);

    /**
     * Splits the leaves in a range until none is larger than a page size. Hitless; nothing is
     * unmapped.
     *
     * @param iova first I/O virtual address
     * @param size bytes; positive
     * @param pageSize a page size of this domain
     * @param gather a gather of this domain
     * @throws TableMemoryExhaustedException if there are too few pages; nothing has changed
     * @throws IllegalArgumentException as of {@link #unmap(long, long, IotlbGather)}, or if the
     *     page size is none of this domain's
     */
    void split(long iova, long size, long pageSize, IotlbGather gather);

    /**
     * Merges small leaves of a range into the largest that are legal: a table that lies wholly in
     * the range, and whose leaves are equal in access and contiguous, becomes one leaf, and so on
     * upwards. Hitless; what cannot be merged stays as it is. While writes are tracked, leaves are
     * not merged beyond the granularity.
     *
     * @param iova first I/O virtual address
     * @param size bytes; positive
     * @param gather a gather of this domain
     * @return how many leaves were replaced by larger ones, those that were made on the way
     *     included
     * @throws UnsupportedFeatureException if the tables cannot be merged, or the domain's {@link
     *     CoalescePolicy} is never to
     * @throws IllegalArgumentException as of {@link #unmap(long, long, IotlbGather)}
     */
    long coalesce(long iova, long size, IotlbGather gather);

    /**
     * Translates an address.
     *
     * @param iova an I/O virtual address; need not be aligned
     * @return the output address, or {@link #NOT_MAPPED}; also for addresses out of the domain's
     *     width
     */
    long translate(long iova);

    /**
     * Visits every leaf that touches a range, in ascending order. Leaves that others change
     * meanwhile are seen before or after their change; a large leaf that replaced smaller ones
     * meanwhile may begin below what was visited already.
     *
     * @param iova first I/O virtual address
     * @param size bytes; positive
     * @param visitor sees the leaves; may call any operation of this domain
     * @throws IllegalArgumentException if the range is misaligned or out of the domain's width
     */
    void mappings(long iova, long size, MappingVisitor visitor);

    /**
     * Returns the leaf that maps an address.
     *
     * @param iova an I/O virtual address; need not be aligned
     * @return the leaf, or empty if nothing is mapped there
     */
    Optional<Mapping> mappingAt(long iova);

    /**
     * Explains an address, for people: what is mapped there and around it, and, if the domain has
     * tables, each entry on a walk's way to it. Reads a bounded number of entries, and stops
     * nobody.
     *
     * @param iova an I/O virtual address; need not be aligned
     * @return what there is to say; by itself, only the leaf that maps it
     * @throws IllegalStateException if the domain is closed
     */
    default AddressExplanation explain(long iova) {
        return new AddressExplanation(
                toString(),
                iova,
                List.of(),
                mappingAt(iova),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** {@return a new, empty gather of this domain} */
    IotlbGather gather();

    /**
     * Has the hardware forget what a gather holds, as the flush policy decides, and then frees its
     * pages. The gather is empty when this returns and may be used again.
     *
     * @param gather a gather of this domain
     * @return when the hardware has forgotten
     * @throws IllegalArgumentException if the gather is another domain's
     */
    FlushCompletion sync(IotlbGather gather);

    /**
     * Begins to observe what devices write. Splits leaves to the granularity first, hitlessly and a
     * few at a time, unless that is to be done lazily; then forgets what was written so far, and
     * waits for the hardware.
     *
     * @param options how
     * @return the running observation
     * @throws UnsupportedFeatureException if the tables keep no dirty bits here
     * @throws IllegalStateException if the domain is being tracked already
     * @throws TableMemoryExhaustedException if there are too few pages to split every leaf; nothing
     *     is tracked, and what was split stays so
     * @throws IllegalArgumentException if the granularity is no page size of this domain
     */
    DirtyTracking trackDirty(DirtyOptions options);

    /** {@return what the domain holds and has done} */
    DomainStatistics statistics();

    /**
     * Gives back the tables that nothing is mapped in, and waits for the hardware to forget them.
     * Then the allocator gives the memory of free pages back to the system, where it can.
     */
    void trim();

    /**
     * Unmaps everything, waits for the hardware, and gives every page back. Idempotent.
     *
     * @throws IllegalStateException if a device is attached
     */
    @Override
    void close();
}
