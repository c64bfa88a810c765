/** The iommu4j command. */
package org.iommu4j.cli;
