package org.iommu4j.api;

import java.util.Objects;
import java.util.Optional;
import org.iommu4j.machine.Provider;
import org.jspecify.annotations.Nullable;

/**
 * How a domain's tables are made and treated. Immutable; each method returns changed options.
 *
 * <p>What is not set is the backend's choice: the widest address it has (48 bits where it can),
 * every page size, the stage that needs least.
 */
public final class DomainOptions {

    private static final int DEFAULT_EMPTY_TABLES = 64;
    private static final int MOST_HISTORY = 1 << 16;
    private static final DomainOptions DEFAULTS =
            new DomainOptions(
                    0,
                    0,
                    null,
                    false,
                    PartialUnmap.SPLIT,
                    DEFAULT_EMPTY_TABLES,
                    CoalescePolicy.onRequest(),
                    0,
                    PolicyChoices.NONE);

    private final int addressWidth;
    private final long pageSizes;
    private final @Nullable Stage stage;
    private final boolean pageRequests;
    private final PartialUnmap partialUnmap;
    private final int emptyTables;
    private final CoalescePolicy coalesce;
    private final int history;
    private final PolicyChoices policies;

    private DomainOptions(
            int addressWidth,
            long pageSizes,
            @Nullable Stage stage,
            boolean pageRequests,
            PartialUnmap partialUnmap,
            int emptyTables,
            CoalescePolicy coalesce,
            int history,
            PolicyChoices policies) {
        this.addressWidth = addressWidth;
        this.pageSizes = pageSizes;
        this.stage = stage;
        this.pageRequests = pageRequests;
        this.partialUnmap = partialUnmap;
        this.emptyTables = emptyTables;
        this.coalesce = coalesce;
        this.history = history;
        this.policies = policies;
    }

    /** {@return options with nothing set} */
    public static DomainOptions defaults() {
        return DEFAULTS;
    }

    /**
     * Sets the width of I/O virtual addresses.
     *
     * @param bits the width; the backend refuses one it does not have when the domain is created
     * @return changed options
     * @throws IllegalArgumentException if it is not from 13 to 63
     */
    public DomainOptions withAddressWidth(int bits) {
        if (bits < 13 || bits > 63) {
            throw new IllegalArgumentException(
                    "an address width of " + bits + " bits; 13 to 63 are legal");
        }
        return new DomainOptions(
                bits,
                pageSizes,
                stage,
                pageRequests,
                partialUnmap,
                emptyTables,
                coalesce,
                history,
                policies);
    }

    /**
     * Sets the page sizes to use.
     *
     * @param sizes the sizes in bytes, OR-ed together; must include the smallest the backend has
     * @return changed options
     * @throws IllegalArgumentException if none is given
     */
    public DomainOptions withPageSizes(long sizes) {
        if (sizes == 0) {
            throw new IllegalArgumentException(
                    "no page size is given; 0x1000 for 4 KiB pages only");
        }
        return new DomainOptions(
                addressWidth,
                sizes,
                stage,
                pageRequests,
                partialUnmap,
                emptyTables,
                coalesce,
                history,
                policies);
    }

    /**
     * Sets the stage.
     *
     * @param value which tables to use
     * @return changed options
     */
    public DomainOptions withStage(Stage value) {
        return new DomainOptions(
                addressWidth,
                pageSizes,
                Objects.requireNonNull(value, "stage"),
                pageRequests,
                partialUnmap,
                emptyTables,
                coalesce,
                history,
                policies);
    }

    /**
     * Sets whether devices may ask for pages that are missing, and wait for them, instead of
     * failing. {@link Iommu#onPageRequest} says who answers. A device that cannot ask is refused at
     * {@link Iommu#attach(org.iommu4j.machine.SourceId, IommuDomain) attach}. Not set, every
     * missing page is a fault; but a device that may ask in another domain, by another process
     * address space id, asks here too, and is refused without a fault being recorded.
     *
     * @param value true if they may
     * @return changed options
     */
    public DomainOptions withPageRequests(boolean value) {
        return new DomainOptions(
                addressWidth,
                pageSizes,
                stage,
                value,
                partialUnmap,
                emptyTables,
                coalesce,
                history,
                policies);
    }

    /**
     * Sets what unmapping a part of a leaf does.
     *
     * @param value what it does
     * @return changed options
     */
    public DomainOptions withPartialUnmap(PartialUnmap value) {
        return new DomainOptions(
                addressWidth,
                pageSizes,
                stage,
                pageRequests,
                Objects.requireNonNull(value, "partialUnmap"),
                emptyTables,
                coalesce,
                history,
                policies);
    }

    /**
     * Sets how many emptied tables may stay linked for reuse. They cost 4 KiB each, and save taking
     * a page and an invalidation when the place is mapped again.
     *
     * @param count 0 to 65536
     * @return changed options
     * @throws IllegalArgumentException if it is out of that range
     */
    public DomainOptions withEmptyTables(int count) {
        if (count < 0 || count > 1 << 16) {
            throw new IllegalArgumentException(count + " empty tables; 0 to 65536 are legal");
        }
        return new DomainOptions(
                addressWidth,
                pageSizes,
                stage,
                pageRequests,
                partialUnmap,
                count,
                coalesce,
                history,
                policies);
    }

    /**
     * Sets when small leaves are merged into larger ones.
     *
     * @param value when; unless it is set, on request
     * @return changed options
     */
    public DomainOptions withCoalesce(CoalescePolicy value) {
        return new DomainOptions(
                addressWidth,
                pageSizes,
                stage,
                pageRequests,
                partialUnmap,
                emptyTables,
                Objects.requireNonNull(value, "coalesce"),
                history,
                policies);
    }

    /**
     * Sets how many operations the domain remembers, oldest forgotten first, so that {@link
     * IommuDomain#explain} and a {@link DmaFault} can say what was done last to an address. Each
     * operation then takes a lock and an object of the Java heap; without history it costs nothing.
     *
     * @param operations 0, unless it is set, to 65536
     * @return changed options
     * @throws IllegalArgumentException if it is out of that range
     */
    public DomainOptions withHistory(int operations) {
        if (operations < 0 || operations > MOST_HISTORY) {
            throw new IllegalArgumentException(
                    "a history of " + operations + " operations; 0 to 65536 are legal");
        }
        return new DomainOptions(
                addressWidth,
                pageSizes,
                stage,
                pageRequests,
                partialUnmap,
                emptyTables,
                coalesce,
                operations,
                policies);
    }

    /**
     * Chooses a policy for this domain instead of the Iommu's, where the kind allows that.
     *
     * @param <P> the kind
     * @param kind the service type
     * @param provider the provider
     * @return changed options
     */
    public <P extends Provider> DomainOptions with(Class<P> kind, P provider) {
        return withChoice(kind, kind.cast(provider));
    }

    /**
     * Chooses a policy for this domain by name, where the kind allows that.
     *
     * @param <P> the kind
     * @param kind the service type
     * @param name the provider's name, with parameters if it takes some
     * @return changed options
     */
    public <P extends Provider> DomainOptions with(Class<P> kind, String name) {
        return withChoice(kind, name);
    }

    private DomainOptions withChoice(Class<? extends Provider> kind, Object choice) {
        return new DomainOptions(
                addressWidth,
                pageSizes,
                stage,
                pageRequests,
                partialUnmap,
                emptyTables,
                coalesce,
                history,
                policies.with(kind, choice));
    }

    /** {@return the width of I/O virtual addresses in bits, or 0 for the backend's choice} */
    public int addressWidth() {
        return addressWidth;
    }

    /** {@return the page sizes to use, OR-ed together, or 0 for all the backend has} */
    public long pageSizes() {
        return pageSizes;
    }

    /** {@return which tables to use; empty for the backend's choice} */
    public Optional<Stage> stage() {
        return Optional.ofNullable(stage);
    }

    /** {@return true if devices may ask for missing pages} */
    public boolean pageRequests() {
        return pageRequests;
    }

    /** {@return what unmapping a part of a leaf does} */
    public PartialUnmap partialUnmap() {
        return partialUnmap;
    }

    /** {@return how many emptied tables may stay linked} */
    public int emptyTables() {
        return emptyTables;
    }

    /** {@return when small leaves are merged into larger ones} */
    public CoalescePolicy coalesce() {
        return coalesce;
    }

    /** {@return how many operations the domain remembers} */
    public int history() {
        return history;
    }

    /**
     * Says whether the user chose a policy of a kind for this domain.
     *
     * @param kind the service type
     * @return true if one was chosen
     */
    public boolean chooses(Class<? extends Provider> kind) {
        return policies.has(kind);
    }

    /**
     * Finds the provider of a policy, as {@link IommuOptions#policy} does. For backends.
     *
     * @param <P> the kind
     * @param kind the service type
     * @param called what such a policy is called in a message
     * @param found the providers that were found
     * @return the provider
     * @throws IllegalArgumentException if there is none of the chosen name, or none at all
     */
    public <P extends Provider> P policy(Class<P> kind, String called, Iterable<P> found) {
        return policies.resolve(kind, called, found);
    }
}
