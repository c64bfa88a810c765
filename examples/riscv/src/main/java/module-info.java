import com.example.riscv.RiscvFormatProvider;
import com.example.riscv.RiscvIommuProvider;
import com.example.riscv.unit.SoftwareMachineProvider;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.walker.PageTableFormatProvider;
import org.jspecify.annotations.NullMarked;

/**
 * A backend for the RISC-V IOMMU, and such a unit in software. Both are found by their names;
 * nobody needs to see the classes.
 */
@NullMarked
module com.example.riscv {
    requires org.iommu4j.pagetable;
    requires static org.jspecify;

    provides IommuProvider with
            RiscvIommuProvider;
    provides MachineProvider with
            SoftwareMachineProvider;
    provides PageTableFormatProvider with
            RiscvFormatProvider;
}
