package org.iommu4j.inspector;

import java.util.Optional;
import java.util.OptionalInt;
import org.iommu4j.machine.SourceId;

/**
 * What the tables say about one device, or, in scalable mode, about one PASID of it.
 *
 * @param device the device
 * @param pasid the PASID; empty in legacy mode
 * @param translation how its requests are translated
 * @param levels levels of its tables; 0 for pass-through
 * @param root their root's physical address; 0 for pass-through
 * @param domainId the domain id
 * @param sharesTablesOfEarlierDevice whether a device before this one has the same tables; what
 *     they hold is counted there
 * @param space the tables; empty for pass-through
 */
public record DeviceTables(
        SourceId device,
        OptionalInt pasid,
        Translation translation,
        int levels,
        long root,
        int domainId,
        boolean sharesTablesOfEarlierDevice,
        Optional<AddressSpace> space) {

    /** {@return the device as a user writes it: {@code 00:04.0}, with the PASID if it has one} */
    public String name() {
        return deviceName(device) + (pasid.isPresent() ? " pasid " + pasid.getAsInt() : "");
    }

    /**
     * Writes a source id without its segment, which no root table knows.
     *
     * @param device the device
     * @return as in {@code 00:04.0}
     */
    public static String deviceName(SourceId device) {
        String whole = device.toString();
        return whole.substring(whole.indexOf(':') + 1);
    }
}
