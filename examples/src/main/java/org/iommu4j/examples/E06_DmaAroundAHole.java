package org.iommu4j.examples;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.iommu4j.api.Access;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;

/**
 * Attaches a device of an emulated machine to a domain, lets it do DMA, and unmaps 4 KiB out of the
 * large page it uses. The rest of the page goes on working; the 4 KiB fault, and a listener hears
 * of it. When {@code unmap} has returned, the memory may be used for something else.
 *
 * <p>Run it: {@code ./examples/run E06}
 */
public final class E06_DmaAroundAHole {

    private static final long IOVA = 0x4000_0000L;
    private static final long MEMORY = 0x20_0000L;
    private static final long LARGE = 0x20_0000L;
    private static final long PAGE = 0x1000;

    private E06_DmaAroundAHole() {}

    /**
     * Runs it.
     *
     * @param args none
     * @throws Exception never
     */
    public static void main(String[] args) throws Exception {
        IommuOptions options = IommuOptions.on("emulator", 64 << 20);
        try (Machine machine = options.machine().orElseThrow();
                Iommu iommu = Iommu.open("vtd", options)) {
            IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
            Device device = machine.devices().getFirst();
            iommu.attach(device.source(), domain);
            List<DmaFault> faults = new CopyOnWriteArrayList<>();
            AutoCloseable listener = iommu.onFault(faults::add);

            domain.map(IOVA, MEMORY, LARGE, Access.READ_WRITE);
            for (int page = 0; page < 3; page++) {
                write(device, IOVA + page * PAGE, "page " + page);
            }

            domain.unmap(IOVA + PAGE, PAGE);
            System.out.printf("unmapped 0x%x bytes at 0x%x%n", PAGE, IOVA + PAGE);
            for (int page = 0; page < 3; page++) {
                read(device, IOVA + page * PAGE);
            }

            listener.close(); // hears first what was recorded before
            for (DmaFault fault : faults) {
                System.out.println("fault: " + fault);
                fault.explanation().orElseThrow().walk().forEach(System.out::println);
            }
        }
    }

    private static void write(Device device, long iova, String text) {
        ByteBuffer data = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
        System.out.printf("write at 0x%x: %s%n", iova, device.write(iova, data));
    }

    private static void read(Device device, long iova) {
        byte[] bytes = new byte[6];
        String outcome = device.read(iova, ByteBuffer.wrap(bytes)).toString();
        String text = new String(bytes, StandardCharsets.US_ASCII).replace('\0', '-');
        System.out.printf("read at 0x%x: %s, %s%n", iova, outcome, text);
    }
}
