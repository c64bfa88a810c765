/** Numbered programs, each of which teaches one thing. */
@NullMarked
package org.iommu4j.examples;

import org.jspecify.annotations.NullMarked;
