package org.iommu4j.examples;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.PageRequest;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Swaps pages of a VM while its device does DMA. The VM's memory is mapped with pages of 2 MiB. The
 * host takes 4 KiB out of one: the device works on in the rest of it. When it comes by the page
 * that is gone, it asks for it and waits; the host brings it back, at another address, and the
 * device goes on as if nothing had happened.
 *
 * <p>Run it: {@code ./examples/run E07}
 */
public final class E07_SwapUnderDma implements PageRequestHandler {

    private static final int PAGE = 0x1000;
    private static final int PAGES = 4096;
    private static final long HOME = 0x20_0000L;
    private static final long SPARE = HOME + (long) PAGES * PAGE;
    private static final int SWAPS = 500;

    private final PhysicalMemory memory;
    private final IommuDomain domain;
    private final Map<Long, long[]> swappedOut = new HashMap<>();
    private final Queue<Long> free = new ArrayDeque<>();
    private volatile boolean done;
    private int wrong;

    private E07_SwapUnderDma(PhysicalMemory memory, IommuDomain domain) {
        this.memory = memory;
        this.domain = domain;
        free.add(SPARE);
    }

    /**
     * Runs it.
     *
     * @param args none
     * @throws Exception never
     */
    public static void main(String[] args) throws Exception {
        IommuOptions options = IommuOptions.on("emulator", 64 << 20);
        try (Machine machine = options.machine().orElseThrow();
                Iommu iommu = Iommu.open("vtd", options);
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            IommuDomain domain =
                    iommu.createDomain(DomainOptions.defaults().withPageRequests(true));
            domain.map(0, HOME, (long) PAGES * PAGE, Access.READ_WRITE);
            E07_SwapUnderDma host = new E07_SwapUnderDma(machine.memory(), domain);
            try (AutoCloseable _ = iommu.onPageRequest(executor, host)) {
                Device device = machine.devices().getFirst();
                iommu.attach(device.source(), domain);
                Thread dma = Thread.ofPlatform().start(() -> host.doDma(device));
                Random random = new Random(7);
                for (int i = 0; i < SWAPS; i++) {
                    host.swapOut((long) random.nextInt(PAGES) * PAGE);
                }
                host.done = true;
                dma.join();
            }
            System.out.printf("%d pages came back when the device asked for them%n", SWAPS);
            System.out.printf("DMAs that failed or read something wrong: %d%n", host.wrong);
        }
    }

    /** Takes a page from the VM, and returns when the device has got it back. */
    private synchronized void swapOut(long iova) throws InterruptedException {
        long frame = domain.translate(iova);
        domain.unmap(iova, PAGE); // no device reaches the page any more
        long[] content = new long[PAGE / Long.BYTES];
        for (int i = 0; i < content.length; i++) {
            content[i] = memory.loadPlain(frame + (long) i * Long.BYTES);
            memory.storePlain(frame + (long) i * Long.BYTES, 0xdeadL);
        }
        free.add(frame);
        swappedOut.put(iova, content);
        while (swappedOut.containsKey(iova)) {
            wait();
        }
    }

    /** Brings a page back, in another frame than before. */
    @Override
    public synchronized Response handle(PageRequest request) {
        long[] content = swappedOut.remove(request.iova());
        if (content != null) {
            long frame = free.remove();
            for (int i = 0; i < content.length; i++) {
                memory.storePlain(frame + (long) i * Long.BYTES, content[i]);
            }
            domain.map(request.iova(), frame, PAGE, Access.READ_WRITE);
            notifyAll();
        }
        return Response.SUCCESS; // it is there, perhaps since another request
    }

    /** Counts up a word of each page, again and again, and looks what was there. */
    private void doDma(Device device) {
        ByteBuffer word = ByteBuffer.allocate(Long.BYTES);
        for (long round = 0; !done; round++) {
            for (int page = 0; page < PAGES; page++) {
                word.clear();
                boolean right = device.fetchAndAdd((long) page * PAGE, 1, word).isDone();
                wrong += right && word.getLong(0) == round ? 0 : 1;
            }
        }
    }
}
