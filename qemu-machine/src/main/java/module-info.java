import org.iommu4j.machine.MachineProvider;
import org.iommu4j.qemu.QemuProvider;
import org.jspecify.annotations.NullMarked;

/**
 * A machine that is a QEMU process: hardware that nobody here wrote. Its memory is a file that both
 * map, its registers and devices are driven over the qtest protocol, and no guest code runs.
 */
@NullMarked
module org.iommu4j.qemu {
    requires transitive org.iommu4j.machine;
    requires static transitive org.jspecify;
    requires org.apache.logging.log4j;

    exports org.iommu4j.qemu;

    provides MachineProvider with
            QemuProvider;
}
