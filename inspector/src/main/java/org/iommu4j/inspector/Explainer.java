package org.iommu4j.inspector;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import org.iommu4j.inspector.Explanation.Outcome;
import org.iommu4j.inspector.Explanation.Step;
import org.iommu4j.machine.SourceId;

/** Reads the structures that lead from a device to its page tables, and then the tables. */
final class Explainer {
    private final PhysicalView view;
    private final RootPointer root;
    private final SourceId device;
    private final long iova;
    private final int hostAddressWidth;
    private final boolean legacy;
    private final List<Step> steps = new ArrayList<>();
    private OptionalInt pasid;
    private long contextTable;

    Explainer(
            PhysicalView view,
            RootPointer root,
            SourceId device,
            OptionalInt pasid,
            long iova,
            int hostAddressWidth) {
        this.view = view;
        this.root = root;
        this.device = device;
        this.pasid = pasid;
        this.iova = iova;
        this.hostAddressWidth = hostAddressWidth;
        this.legacy = root.mode() == Mode.LEGACY;
    }

    Explanation explain() {
        Optional<FaultReason> fault = root();
        return fault.map(reason -> ended(Outcome.faults(reason), Outcome.faults(reason)))
                .orElseGet(this::context);
    }

    private Optional<FaultReason> root() {
        long at = root.table() + (long) device.bus() * Structures.ROOT_ENTRY;
        if (!view.holds(at, Structures.ROOT_ENTRY)) {
            return Optional.of(legacy ? FaultReason.ROOT_ACCESS : FaultReason.SM_ROOT_ACCESS);
        }
        contextTable = view.load(lowerHalf() ? at : at + Long.BYTES);
        boolean present = (contextTable & Structures.PRESENT) != 0;
        step(
                "root entry of bus " + String.format(Locale.ROOT, "%02x", device.bus()),
                at,
                Structures.ROOT_ENTRY,
                present
                        ? "P present, "
                                + (legacy ? "" : lowerHalf() ? "lower " : "upper ")
                                + "context table "
                                + Hex.of(contextTable & Structures.ADDRESS)
                        : "not present");
        if (!present) {
            return Optional.of(
                    legacy ? FaultReason.ROOT_NOT_PRESENT : FaultReason.SM_ROOT_NOT_PRESENT);
        }
        return (contextTable & Structures.ROOT_RESERVED) != 0
                ? Optional.of(legacy ? FaultReason.ROOT_RESERVED : FaultReason.SM_ROOT_RESERVED)
                : Optional.empty();
    }

    private boolean lowerHalf() {
        return legacy || device.device() < 0x10;
    }

    private Explanation context() {
        int function = device.device() << 3 | device.function();
        int bytes = legacy ? Structures.LEGACY_CONTEXT : Structures.SCALABLE_CONTEXT;
        int index = legacy ? function : function & 0x7f;
        long at = (contextTable & Structures.ADDRESS) + (long) index * bytes;
        if (!view.holds(at, bytes)) {
            return faults(legacy ? FaultReason.CONTEXT_ACCESS : FaultReason.SM_CONTEXT_ACCESS);
        }
        return legacy ? legacyContext(at) : scalableContext(at);
    }

    private Explanation legacyContext(long at) {
        long low = view.load(at);
        long high = view.load(at + Long.BYTES);
        if ((low & Structures.PRESENT) == 0) {
            step("context entry", at, Structures.LEGACY_CONTEXT, "not present");
            return faults(FaultReason.CONTEXT_NOT_PRESENT);
        }
        TableUse use = TableUse.ofLegacyContext(low, high);
        step("context entry", at, Structures.LEGACY_CONTEXT, "P present, " + words(use));
        if ((low & Structures.LEGACY_RESERVED_LOW | high & Structures.LEGACY_RESERVED_HIGH) != 0) {
            return faults(FaultReason.CONTEXT_RESERVED);
        }
        return use.invalid() == null ? tables(use) : faults(FaultReason.CONTEXT_INVALID);
    }

    private Explanation scalableContext(long at) {
        long low = view.load(at);
        long second = view.load(at + Long.BYTES);
        if ((low & Structures.PRESENT) == 0) {
            step("context entry", at, Structures.SCALABLE_CONTEXT, "not present");
            return faults(FaultReason.SM_CONTEXT_NOT_PRESENT);
        }
        int requestPasid = Structures.requestPasid(second);
        int pasids = Structures.pasids(low);
        step(
                "context entry",
                at,
                Structures.SCALABLE_CONTEXT,
                "P present, PASID directory "
                        + Hex.of(low & Structures.ADDRESS)
                        + " of "
                        + pasids
                        + " PASIDs, requests without PASID have "
                        + requestPasid);
        if ((low & Structures.SCALABLE_RESERVED_LOW | second & Structures.SCALABLE_RESERVED_SECOND)
                != 0) {
            return faults(FaultReason.SM_CONTEXT_RESERVED);
        }
        pasid = OptionalInt.of(pasid.orElse(requestPasid));
        if (pasid.getAsInt() >= pasids) {
            return faults(FaultReason.PASID_TOO_LARGE);
        }
        return directory(low & Structures.ADDRESS);
    }

    private Explanation directory(long directory) {
        long at = directory + (long) (pasid.getAsInt() / Structures.PASIDS_A_TABLE) * Long.BYTES;
        if (!view.holds(at, Long.BYTES)) {
            return faults(FaultReason.DIRECTORY_ACCESS);
        }
        long entry = view.load(at);
        boolean present = (entry & Structures.PRESENT) != 0;
        step(
                "PASID directory entry",
                at,
                Long.BYTES,
                present
                        ? "P present, PASID table " + Hex.of(entry & Structures.ADDRESS)
                        : "not present");
        if (!present) {
            return faults(FaultReason.DIRECTORY_NOT_PRESENT);
        }
        if ((entry & Structures.DIRECTORY_RESERVED) != 0) {
            return faults(FaultReason.DIRECTORY_RESERVED);
        }
        return pasidEntry(
                (entry & Structures.ADDRESS)
                        + (long) (pasid.getAsInt() % Structures.PASIDS_A_TABLE)
                                * Structures.PASID_ENTRY);
    }

    private Explanation pasidEntry(long at) {
        if (!view.holds(at, Structures.PASID_ENTRY)) {
            return faults(FaultReason.PASID_ACCESS);
        }
        long first = view.load(at);
        String name = "PASID entry " + pasid.getAsInt();
        if ((first & Structures.PRESENT) == 0) {
            step(name, at, Structures.PASID_ENTRY, "not present");
            return faults(FaultReason.PASID_NOT_PRESENT);
        }
        TableUse use = TableUse.ofPasid(first, view.load(at + 8), view.load(at + 16));
        step(name, at, Structures.PASID_ENTRY, "P present, " + words(use));
        return use.invalid() == null ? tables(use) : faults(FaultReason.PASID_INVALID);
    }

    private Explanation tables(TableUse use) {
        if (use.translation() == Translation.PASS_THROUGH) {
            return ended(Outcome.goesTo(iova), Outcome.goesTo(iova));
        }
        PathReader path =
                new PathReader(
                        view,
                        root.mode(),
                        VtdTables.format(use.translation(), use.levels()),
                        use.translation().isFirstStage(),
                        hostAddressWidth,
                        steps);
        path.read(use.root(), iova);
        return ended(path.outcomeOfRead(), path.outcomeOfWrite());
    }

    private static String words(TableUse use) {
        String invalid = use.invalid();
        if (invalid != null) {
            return invalid;
        }
        String domain = "domain " + use.domainId() + ", " + use.translation();
        return use.translation() == Translation.PASS_THROUGH
                ? domain
                : domain + " of " + use.levels() + " levels at " + Hex.of(use.root());
    }

    private void step(String structure, long address, int bytes, String meaning) {
        Long[] words = new Long[bytes / Long.BYTES];
        Arrays.setAll(words, i -> view.load(address + (long) i * Long.BYTES));
        steps.add(new Step(structure, address, List.of(words), meaning));
    }

    private Explanation faults(FaultReason reason) {
        return ended(Outcome.faults(reason), Outcome.faults(reason));
    }

    private Explanation ended(Outcome read, Outcome write) {
        return new Explanation(device, pasid, iova, List.copyOf(steps), read, write);
    }
}
