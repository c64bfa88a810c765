package org.iommu4j.cli;

import org.iommu4j.cli.vm.MemorySize;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads an amount of memory, into bytes. */
final class MemorySizeConverter implements ITypeConverter<Long> {
    @Override
    public Long convert(String value) {
        try {
            return MemorySize.parse(value);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
