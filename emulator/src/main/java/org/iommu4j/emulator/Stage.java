package org.iommu4j.emulator;

/**
 * How the requests of a context get from an address to memory, and which reasons are given where
 * they do not (VT-d, Fault Conditions and Remapping Hardware Behavior for Various Requests).
 */
enum Stage {
    /** Second-stage tables of legacy mode. */
    LEGACY,
    /** No tables, in legacy mode. */
    LEGACY_PASS_THROUGH,
    /** First-stage tables. */
    FIRST,
    /** Second-stage tables of scalable mode. */
    SECOND,
    /** No tables, in scalable mode. */
    PASS_THROUGH;

    boolean isLegacy() {
        return this == LEGACY || this == LEGACY_PASS_THROUGH;
    }

    boolean hasTables() {
        return this != LEGACY_PASS_THROUGH && this != PASS_THROUGH;
    }

    /**
     * {@return true if what is cached belongs to a PASID of a domain, not to the whole domain, so
     * that an invalidation of the one kind leaves what the other caches}
     */
    boolean isTaggedByPasid() {
        return this == FIRST || this == PASS_THROUGH;
    }

    /** {@return how the entries of its tables are read} */
    EntryFormat entries() {
        return this == FIRST ? FirstStageEntry.FORMAT : SecondStageEntry.FORMAT;
    }

    /** {@return the reason where an entry cannot be read} */
    int tableAccess(boolean isRoot) {
        return switch (this) {
            case FIRST -> isRoot ? FaultReason.FIRST_STAGE_POINTER : FaultReason.FIRST_STAGE_ACCESS;
            case SECOND ->
                    isRoot ? FaultReason.SECOND_STAGE_POINTER : FaultReason.SECOND_STAGE_ACCESS;
            default -> FaultReason.TABLE_ACCESS;
        };
    }

    /** {@return the reason where an entry has a reserved bit} */
    int tableReserved() {
        return switch (this) {
            case FIRST -> FaultReason.FIRST_STAGE_RESERVED;
            case SECOND -> FaultReason.SECOND_STAGE_RESERVED;
            default -> FaultReason.TABLE_RESERVED;
        };
    }

    /** {@return the reason where an accessed or dirty bit cannot be set, the walk not snooping} */
    int notUpdated() {
        return this == FIRST
                ? FaultReason.FIRST_STAGE_NOT_UPDATED
                : FaultReason.SECOND_STAGE_NOT_UPDATED;
    }

    /** {@return the reason where an entry is not present} */
    int notPresent(int wanted) {
        return switch (this) {
            case FIRST -> FaultReason.FIRST_STAGE_NOT_PRESENT;
            case SECOND -> FaultReason.SECOND_STAGE_NOT_PRESENT;
            default ->
                    (wanted & Translation.WRITE) != 0 ? FaultReason.NO_WRITE : FaultReason.NO_READ;
        };
    }

    int noWrite() {
        return isLegacy() ? FaultReason.NO_WRITE : FaultReason.SCALABLE_NO_WRITE;
    }

    int noRead() {
        return isLegacy() ? FaultReason.NO_READ : FaultReason.SCALABLE_NO_READ;
    }

    /**
     * {@return true if a reason only says that tables do not permit what is wanted, which is no
     * fault of a device that asks for a translation}
     */
    boolean merelyRefuses(int code) {
        return code == noWrite()
                || code == noRead()
                || code == notPresent(Translation.READ)
                || code == FaultReason.NOT_FOR_USERS
                || code == FaultReason.NO_EXECUTE;
    }

    /** {@return the reason where the output address is in the interrupt range} */
    int interruptRange() {
        return isLegacy() ? FaultReason.INTERRUPT_RANGE : FaultReason.SCALABLE_INTERRUPT_RANGE;
    }
}
