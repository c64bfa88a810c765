package org.iommu4j.cli;

import java.lang.module.ModuleDescriptor;
import picocli.CommandLine.IVersionProvider;

/** The version of the command: that of its module. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        ModuleDescriptor descriptor = Version.class.getModule().getDescriptor();
        String version = descriptor == null ? "unknown" : descriptor.rawVersion().orElse("unknown");
        return new String[] {"iommu4j " + version, "Java " + Runtime.version()};
    }
}
