import org.iommu4j.cli.LoggersOfLibraries;
import org.jspecify.annotations.NullMarked;

/**
 * The {@code iommu4j} command. It prints to the terminal and decides the exit code; all else is the
 * work of the modules below.
 */
@NullMarked
module org.iommu4j.cli {
    requires HdrHistogram;
    requires com.fasterxml.jackson.core;
    requires dagger;
    requires info.picocli;
    requires jakarta.inject;
    requires jdk.jfr;
    requires javax.inject;
    requires me.tongfei.progressbar;
    requires org.apache.logging.log4j;
    requires org.apache.logging.log4j.core;
    requires org.iommu4j.api;
    requires org.iommu4j.conformance;
    requires org.iommu4j.flush;
    requires org.iommu4j.inspector;
    requires org.iommu4j.walker;
    requires static org.jspecify;
    requires org.tukaani.xz;

    opens org.iommu4j.cli to
            info.picocli;

    provides System.LoggerFinder with
            LoggersOfLibraries;
}
