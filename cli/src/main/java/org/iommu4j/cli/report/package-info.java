/** Pages that show what a run did: charts over time, distributions, and what the run was. */
package org.iommu4j.cli.report;
