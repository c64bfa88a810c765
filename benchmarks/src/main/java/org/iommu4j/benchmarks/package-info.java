/**
 * How long each operation takes, allocates and may take: JMH benchmarks, floors measured in the
 * same run, and one table.
 */
@NullMarked
package org.iommu4j.benchmarks;

import org.jspecify.annotations.NullMarked;
