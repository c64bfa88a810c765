package org.iommu4j.inspector;

/**
 * Something about the tables that a reader should know.
 *
 * @param severity how bad it is
 * @param what what it is, in words, with the values in hex
 * @param where whose tables, which I/O virtual address, which entry
 */
public record Finding(Severity severity, String what, String where) {}
