package org.iommu4j.machine;

import java.util.Locale;

/**
 * The name by which a bus master is known to the remapping hardware: segment, bus, device and
 * function.
 *
 * @param segment PCI segment, 0 to 65535
 * @param bus bus number, 0 to 255
 * @param device device number, 0 to 31
 * @param function function number, 0 to 7
 */
public record SourceId(int segment, int bus, int device, int function) {

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if one is out of its range
     */
    public SourceId {
        if ((segment & ~0xffff | bus & ~0xff | device & ~0x1f | function & ~7) != 0) {
            throw new IllegalArgumentException(
                    "no such source: segment "
                            + segment
                            + ", bus "
                            + bus
                            + ", device "
                            + device
                            + ", function "
                            + function);
        }
    }

    /**
     * Reads {@code 00:02.0} or {@code 0000:00:02.0}.
     *
     * @param text the four or three numbers in hex
     * @return the source id; the segment is 0 if none is given
     * @throws IllegalArgumentException if the text is not of that form
     */
    public static SourceId parse(String text) {
        String[] parts = text.split("[:.]", -1);
        try {
            if (parts.length == 3 || parts.length == 4) {
                int i = parts.length - 3;
                return new SourceId(
                        i == 0 ? 0 : Integer.parseInt(parts[0], 16),
                        Integer.parseInt(parts[i], 16),
                        Integer.parseInt(parts[i + 1], 16),
                        Integer.parseInt(parts[i + 2], 16));
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is no source id; written as 00:02.0", e);
        }
        throw new IllegalArgumentException("\"" + text + "\" is no source id; written as 00:02.0");
    }

    /** {@return the 16-bit requester id: bus in 15:8, device in 7:3, function in 2:0} */
    public int requester() {
        return bus << 8 | device << 3 | function;
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%04x:%02x:%02x.%x", segment, bus, device, function);
    }
}
