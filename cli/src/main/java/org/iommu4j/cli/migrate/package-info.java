/** Live migration: a VM's memory is copied while its devices write to it. */
package org.iommu4j.cli.migrate;
