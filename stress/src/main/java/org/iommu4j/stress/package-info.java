/**
 * The rules under jcstress: two threads do one thing each to one domain, again and again, and every
 * outcome that a rule does not permit is an error.
 */
@NullMarked
package org.iommu4j.stress;

import org.jspecify.annotations.NullMarked;
