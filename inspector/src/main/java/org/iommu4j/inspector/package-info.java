/**
 * Page tables looked at from outside: in a dump of a machine's memory, or in memory that is in use.
 * {@link org.iommu4j.inspector.Inspection} walks everything below a root table, {@link
 * org.iommu4j.inspector.Explanation} follows one translation.
 */
package org.iommu4j.inspector;
