package org.iommu4j.inspector;

/**
 * What some bits of an entry mean.
 *
 * @param mask the bits
 * @param name the specification's name for them, as in {@code SNP}
 * @param meaning what it means that one of them is set, in words
 */
public record BitField(long mask, String name, String meaning) {

    /** {@return the field's value in an entry} */
    long in(long entry) {
        return Long.compress(entry, mask);
    }
}
