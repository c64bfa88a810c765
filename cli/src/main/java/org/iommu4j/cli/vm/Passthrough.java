package org.iommu4j.cli.vm;

import java.util.List;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;

/**
 * Whether a machine's devices can be passed through to a VM, and with what domain. What stands in
 * the way is refused by the name of the option that asks for it. Immutable.
 */
public final class Passthrough {
    private static final int USUAL_WIDTH = 48;

    private final VmSettings settings;
    private final GuestMemory guest;

    /**
     * Says what is to be passed through, and to whom.
     *
     * @param settings the VM, and the machine it is on
     * @param guest its memory
     */
    public Passthrough(VmSettings settings, GuestMemory guest) {
        this.settings = settings;
        this.guest = guest;
    }

    /**
     * Returns the devices that the VM gets.
     *
     * @param machine the machine
     * @return as many as the settings say
     * @throws IllegalArgumentException if there are fewer, or one does not reach all of the memory
     */
    public List<Device> devices(Machine machine) {
        List<Device> all = machine.devices();
        if (all.size() < settings.devices()) {
            throw new IllegalArgumentException(
                    "--devices "
                            + settings.devices()
                            + ": the machine \""
                            + settings.machine()
                            + "\" has "
                            + all.size());
        }
        List<Device> chosen = all.subList(0, settings.devices());
        chosen.forEach(this::requireReach);
        return chosen;
    }

    /**
     * Returns options for a domain that the memory fits in, with no leaf larger than the large
     * page.
     *
     * @param capabilities what the backend can do
     * @param command what the domain is for, for messages
     * @return the options
     * @throws org.iommu4j.api.UnsupportedFeatureException if devices cannot be attached
     * @throws IllegalArgumentException if there is no such domain
     */
    public DomainOptions domainOptions(Capabilities capabilities, String command) {
        capabilities.require(Feature.ATTACH, command);
        if (!capabilities.hasPageSize(settings.page())) {
            throw new IllegalArgumentException(
                    "--page "
                            + MemorySize.text(settings.page())
                            + ": the remapping hardware has no pages of that size");
        }
        long upToLeaf = (settings.page() << 1) - 1;
        return DomainOptions.defaults()
                .withAddressWidth(addressWidth(capabilities))
                .withPageSizes(capabilities.pageSizes() & upToLeaf);
    }

    private int addressWidth(Capabilities capabilities) {
        List<Integer> widths = capabilities.addressWidths();
        int width =
                widths.stream()
                        .filter(each -> each <= USUAL_WIDTH)
                        .max(Integer::compare)
                        .orElse(widths.getLast());
        if (guest.end() > 1L << width) {
            throw new IllegalArgumentException(
                    "--memory "
                            + MemorySize.text(settings.memory())
                            + ": the remapping hardware translates addresses of "
                            + width
                            + " bits, "
                            + MemorySize.text(1L << width)
                            + ", and the memory ends 1 GiB behind its size");
        }
        return width;
    }

    private void requireReach(Device device) {
        if (device.addressBits() < Long.SIZE && guest.end() > 1L << device.addressBits()) {
            throw new IllegalArgumentException(
                    "--memory "
                            + MemorySize.text(settings.memory())
                            + ": the device "
                            + device.source()
                            + " has addresses of "
                            + device.addressBits()
                            + " bits; up to "
                            + MemorySize.text(GuestMemory.mostBelow(1L << device.addressBits()))
                            + " is legal with it");
        }
    }
}
