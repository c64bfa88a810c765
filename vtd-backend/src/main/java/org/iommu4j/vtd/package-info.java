/** Intel VT-d. */
package org.iommu4j.vtd;
