package org.iommu4j.conformance.backend;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.machine.SourceId;

/** Iommus that do one thing wrong, over one that does it right. */
final class WrongIommus {

    private WrongIommus() {}

    /** M3: domains have small pages only. */
    static Iommu usesSmallPages(Iommu real) {
        return withOptions(real, options -> options.withPageSizes(0x1000));
    }

    /** U3 (n): what was asked for of partial unmaps is not heard. */
    static Iommu splitsAlways(Iommu real) {
        return withOptions(real, options -> options.withPartialUnmap(PartialUnmap.SPLIT));
    }

    /** U5: every empty table stays. */
    static Iommu keepsEmptyTables(Iommu real) {
        return withOptions(real, options -> options.withEmptyTables(1 << 16));
    }

    /** L3: a width that is not there becomes one that is. */
    static Iommu takesAnyWidth(Iommu real) {
        return withOptions(
                real,
                options ->
                        real.capabilities().addressWidths().contains(options.addressWidth())
                                        || options.addressWidth() == 0
                                ? options
                                : options.withAddressWidth(
                                        real.capabilities().addressWidths().getFirst()));
    }

    private static Iommu withOptions(Iommu real, UnaryOperator<DomainOptions> change) {
        return new DelegatingIommu(real) {
            @Override
            public IommuDomain createDomain(DomainOptions options) {
                return real.createDomain(change.apply(options));
            }
        };
    }

    /** L2: detach says that it is done, and does nothing. */
    static Iommu detachesLater(Iommu real) {
        return new DelegatingIommu(real) {
            @Override
            public Attachment attach(SourceId device, IommuDomain domain) {
                Attachment attachment = super.attach(device, domain);
                return new Attachment() {
                    @Override
                    public SourceId device() {
                        return attachment.device();
                    }

                    @Override
                    public IommuDomain domain() {
                        return domain;
                    }

                    @Override
                    public void close() {
                        // the device stays attached
                    }
                };
            }
        };
    }

    /** F1: each fault is told twice. */
    static Iommu tellsFaultsTwice(Iommu real) {
        return new DelegatingIommu(real) {
            @Override
            public AutoCloseable onFault(Consumer<? super DmaFault> listener) {
                return real.onFault(fault -> {
                    listener.accept(fault);
                    listener.accept(fault);
                });
            }
        };
    }

    /** F1: the address of a fault is not that of its page. */
    static Iommu tellsTheWrongPage(Iommu real) {
        return new DelegatingIommu(real) {
            @Override
            public AutoCloseable onFault(Consumer<? super DmaFault> listener) {
                return real.onFault(fault ->
                        listener.accept(
                                new DmaFault(
                                        fault.source(),
                                        fault.pasid(),
                                        fault.iova() & -0x20_0000L,
                                        fault.write(),
                                        fault.code(),
                                        fault.reason(),
                                        fault.overflowed())));
            }
        };
    }

    /** F2: the handler is asked twice for each page. */
    static Iommu handlesRequestsTwice(Iommu real) {
        return new DelegatingIommu(real) {
            @Override
            public AutoCloseable onPageRequest(Executor executor, PageRequestHandler handler) {
                return real.onPageRequest(
                        executor,
                        request -> {
                            handler.handle(request);
                            return handler.handle(request);
                        });
            }
        };
    }

    /** F3: one thread calls all listeners, and ends with the first that throws. */
    static Iommu callsListenersOnOneThread(Iommu real) {
        List<Consumer<? super DmaFault>> listeners = new CopyOnWriteArrayList<>();
        AtomicInteger calls = new AtomicInteger();
        return new DelegatingIommu(real) {
            @Override
            public AutoCloseable onFault(Consumer<? super DmaFault> listener) {
                listeners.add(listener);
                return calls.getAndIncrement() == 0
                        ? real.onFault(fault -> listeners.forEach(each -> each.accept(fault)))
                        : () -> listeners.remove(listener);
            }
        };
    }
}
