package org.iommu4j.machine;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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

    /** In place of a process address space id: of requests that carry none. */
    public static final int NO_PASID = -1;

    private static final Pattern FORM =
            Pattern.compile(
                    "(?:(\\p{XDigit}{1,4}):)?(\\p{XDigit}{1,2}):(\\p{XDigit}{1,2})\\.(\\p{XDigit})");

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
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is no source id; written as 00:02.0");
        }
        String segment = matcher.group(1);
        return new SourceId(
                segment == null ? 0 : Integer.parseInt(segment, 16),
                Integer.parseInt(matcher.group(2), 16),
                Integer.parseInt(matcher.group(3), 16),
                Integer.parseInt(matcher.group(4), 16));
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
