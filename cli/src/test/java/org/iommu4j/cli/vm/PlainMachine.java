package org.iommu4j.cli.vm;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.PageRequest;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.api.PageRequestHandler.Response;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.TranslationService;

/**
 * A machine whose devices see what the tables say at each moment, and whose hardware has neither
 * caches nor registers: what stays wrong on it is wrong in the scenario itself. What its devices do
 * can be changed, to be wrong on purpose.
 */
public final class PlainMachine implements Machine {
    private static final long TABLES = 64 << 20;

    private final PhysicalMemory memory;
    private final long ownBytes;
    private final List<Device> devices;
    private final Optional<Sanitizer> sanitizer;

    /** A DMA holds it for reading; an unmap that waits for the hardware, for writing. */
    private final ReentrantReadWriteLock bus = new ReentrantReadWriteLock();

    private final AtomicReference<IommuDomain> attached = new AtomicReference<>();
    private final AtomicReference<Function<PageRequest, Response>> answers =
            new AtomicReference<>();
    private boolean asks;

    public PlainMachine(
            long bytes,
            int devices,
            Translation translation,
            UnaryOperator<Device> change,
            Optional<Sanitizer> sanitizer) {
        memory = PhysicalMemory.allocate(bytes + TABLES);
        ownBytes = bytes;
        this.sanitizer = sanitizer;
        this.devices =
                IntStream.range(0, devices)
                        .<Device>mapToObj(
                                i -> new PlainDevice(new SourceId(0, 0, i + 1, 0), translation))
                        .map(change)
                        .toList();
    }

    /** A machine without a fault. */
    public static PlainMachine of(long bytes, int devices) {
        return new PlainMachine(
                bytes, devices, IommuDomain::translate, UnaryOperator.identity(), Optional.empty());
    }

    /** The same machine, whose devices ask for a page that is missing and wait. */
    public PlainMachine asking() {
        asks = true;
        return this;
    }

    /** How devices find memory. */
    public interface Translation {
        long translate(IommuDomain domain, long iova);
    }

    /** Opens the machine's Iommu: real page tables, to which devices can be attached. */
    public static Iommu open(String backend, IommuOptions options) {
        PlainMachine machine = (PlainMachine) options.machine().orElseThrow();
        return machine
        .new PlainIommu(Iommu.open(backend, IommuOptions.memoryOnly(machine.tableMemory())));
    }

    @Override
    public PhysicalMemory memory() {
        return memory;
    }

    @Override
    public PhysicalMemory tableMemory() {
        return memory.part(ownBytes, TABLES);
    }

    @Override
    public int hostAddressWidth() {
        return 46;
    }

    @Override
    public List<RemappingUnit> remappingUnits() {
        return List.of();
    }

    @Override
    public List<Device> devices() {
        return devices;
    }

    @Override
    public Optional<Sanitizer> sanitizer() {
        return sanitizer;
    }

    @Override
    public void close() {}

    private final class PlainDevice implements Device {
        private final SourceId source;
        private final Translation translation;

        PlainDevice(SourceId source, Translation translation) {
            this.source = source;
            this.translation = translation;
        }

        @Override
        public SourceId source() {
            return source;
        }

        @Override
        public DmaOutcome read(long iova, ByteBuffer target) {
            return transfer(
                    iova,
                    address -> {
                        while (target.hasRemaining()) {
                            target.putLong(memory.loadPlain(address + target.position()));
                        }
                    });
        }

        @Override
        public DmaOutcome write(long iova, ByteBuffer data) {
            return transfer(
                    iova,
                    address -> {
                        while (data.hasRemaining()) {
                            int at = data.position();
                            memory.storePlain(address + at, data.getLong());
                        }
                    });
        }

        @Override
        public DmaOutcome fetchAndAdd(long iova, long addend, ByteBuffer old) {
            throw new UnsupportedOperationException("no atomic operations");
        }

        @Override
        public Optional<TranslationService> translationService() {
            return asks ? Optional.of(new PlainService()) : Optional.empty();
        }

        private DmaOutcome transfer(long iova, Consumer<Long> access) {
            DmaOutcome outcome = tryTransfer(iova, access);
            if (!asks || outcome.isDone()) {
                return outcome;
            }
            PageRequest request =
                    new PageRequest(source, SourceId.NO_PASID, 0, iova & -4096, true, true, true);
            while (!outcome.isDone() && answers.get().apply(request) == Response.SUCCESS) {
                outcome = tryTransfer(iova, access);
            }
            return outcome.afterWaiting();
        }

        private DmaOutcome tryTransfer(long iova, Consumer<Long> access) {
            bus.readLock().lock();
            try {
                long address = translation.translate(attached.get(), iova);
                if (address == IommuDomain.NOT_MAPPED) {
                    return DmaOutcome.blocked(iova, DmaOutcome.UNKNOWN);
                }
                access.accept(address);
                return DmaOutcome.DONE;
            } finally {
                bus.readLock().unlock();
            }
        }
    }

    /** Is on from the start. */
    private static final class PlainService implements TranslationService {
        @Override
        public boolean requestsPages() {
            return true;
        }

        @Override
        public int invalidationQueueDepth() {
            return 1;
        }

        @Override
        public void enable(int pageRequests) {}

        @Override
        public void disable() {}
    }

    private final class PlainIommu implements Iommu {
        private final Iommu tables;

        PlainIommu(Iommu tables) {
            this.tables = tables;
        }

        @Override
        public String backend() {
            return tables.backend();
        }

        @Override
        public Capabilities capabilities() {
            Capabilities found = tables.capabilities();
            Set<Feature> features = EnumSet.of(Feature.ATTACH);
            if (asks) {
                features.add(Feature.PAGE_REQUESTS);
            }
            features.addAll(found.features());
            return new Capabilities(
                    found.pageSizes(), found.addressWidths(), found.hostAddressWidth(), features);
        }

        @Override
        public IommuDomain createDomain(DomainOptions options) {
            IommuDomain domain = tables.createDomain(options.withPageRequests(false));
            return (IommuDomain)
                    Proxy.newProxyInstance(
                            IommuDomain.class.getClassLoader(),
                            new Class<?>[] {IommuDomain.class},
                            (proxy, method, arguments) -> invoke(domain, method, arguments));
        }

        @Override
        public Attachment attach(SourceId device, IommuDomain domain) {
            attached.set(domain);
            return new Attachment() {
                @Override
                public SourceId device() {
                    return device;
                }

                @Override
                public IommuDomain domain() {
                    return domain;
                }

                @Override
                public void close() {}
            };
        }

        @Override
        public Attachment attach(SourceId device, int pasid, IommuDomain domain) {
            throw new UnsupportedOperationException("no process address spaces");
        }

        @Override
        public AutoCloseable onFault(Consumer<? super DmaFault> listener) {
            throw new UnsupportedOperationException("no fault reporting");
        }

        @Override
        public AutoCloseable onPageRequest(Executor executor, PageRequestHandler handler) {
            answers.set(request ->
                    CompletableFuture.supplyAsync(() -> handler.handle(request), executor).join());
            return () -> answers.set(request -> Response.FAILURE);
        }

        @Override
        public void close() {
            tables.close();
        }

        private Object invoke(IommuDomain domain, Method method, Object[] arguments)
                throws Throwable {
            boolean waits = method.getName().equals("unmap") && method.getParameterCount() == 2;
            Lock lock = waits ? bus.writeLock() : bus.readLock();
            lock.lock();
            try {
                return method.invoke(domain, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            } finally {
                lock.unlock();
            }
        }
    }
}
