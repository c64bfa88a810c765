package org.iommu4j.qemu;

import static org.junit.jupiter.api.Assumptions.abort;

import org.iommu4j.machine.MachineFailureException;

/**
 * Machines for tests. Where there is no QEMU the tests say so and are counted as skipped; with
 * IOMMU4J_QEMU=required, as in {@code .ci/run}, they fail instead.
 */
final class Qemu {

    private Qemu() {}

    /** Starts a machine. */
    static QemuMachine start(QemuOptions options) {
        requireInstalled();
        return QemuMachine.create(options);
    }

    /** The version that is installed. */
    static Installation requireInstalled() {
        try {
            return Installation.find(QemuOptions.defaults().binary());
        } catch (MachineFailureException e) {
            if ("required".equals(System.getenv("IOMMU4J_QEMU"))) {
                throw new AssertionError(e.getMessage(), e);
            }
            System.err.println("not tested on QEMU: " + e.getMessage());
            return abort(e.getMessage());
        }
    }
}
