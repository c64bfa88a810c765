package org.iommu4j.cli;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads one of a few names, in any case; another one is refused with all that are legal.
 *
 * @param <T> what is named; its {@code toString} is the name
 */
abstract class NameConverter<T> implements ITypeConverter<T> {

    private final String what;
    private final List<T> values;

    /**
     * Makes a converter.
     *
     * @param what what is named, in words
     * @param values everything that can be
     */
    NameConverter(String what, T[] values) {
        this.what = what;
        this.values = Arrays.asList(values);
    }

    @Override
    public T convert(String name) {
        for (T value : values) {
            if (value.toString().equalsIgnoreCase(name)) {
                return value;
            }
        }
        throw new TypeConversionException(
                "\""
                        + name
                        + "\" is no "
                        + what
                        + "; "
                        + values.stream().map(Object::toString).collect(Collectors.joining(" and "))
                        + " are");
    }
}
