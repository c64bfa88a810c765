/** The page-table engine. */
package org.iommu4j.pagetable;
