package org.iommu4j.cli;

import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A page size as users write it: {@code 4k}, {@code 2m}, {@code 1g}. */
enum PageSize {
    SMALL("4k", 1L << 12),
    LARGE("2m", 1L << 21),
    HUGE("1g", 1L << 30);

    private final String text;
    private final long bytes;

    PageSize(String text, long bytes) {
        this.text = text;
        this.bytes = bytes;
    }

    long bytes() {
        return bytes;
    }

    /** How a size in bytes is written: {@code 2m}. */
    static String text(long bytes) {
        for (PageSize size : values()) {
            if (size.bytes == bytes) {
                return size.text;
            }
        }
        return Long.toString(bytes);
    }

    /** How sizes in bytes are written: {@code 4k,2m}. */
    static String text(List<Long> sizes) {
        return String.join(",", sizes.stream().map(PageSize::text).toList());
    }

    /** Reads what a user wrote. */
    static final class Converter implements ITypeConverter<PageSize> {
        @Override
        public PageSize convert(String value) {
            for (PageSize size : values()) {
                if (size.text.equals(value.toLowerCase(Locale.ROOT))) {
                    return size;
                }
            }
            throw new TypeConversionException(
                    "\"" + value + "\" is no page size; 4k, 2m and 1g are");
        }
    }
}
