package org.iommu4j.conformance;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.IotlbInvalidator;
import org.iommu4j.machine.PageList;

/** Flush policies that are wrong on purpose, each in one way. */
@SuppressWarnings("ImmutableEnumChecker") // some of the mistakes need to remember something
enum WrongFlushPolicies implements FlushPolicyProvider {
    FREES_BEFORE_THE_INVALIDATION("G1", "came back too early") {
        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            gather.completed();
            unit.await(unit.invalidateDomain(id));
        }
    },
    DOES_NOT_WAIT("G1", "came back too early") {
        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            long ignored = unit.invalidateDomain(id);
            gather.completed();
        }
    },
    FORGETS_A_GATHER("G6", "no invalidation that covers") {
        private int seen;

        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            if (++seen % 4 == 0) {
                gather.moveTo(gather.sibling());
            } else {
                right(unit, id, gather);
            }
        }
    },
    DROPS_A_PAGE("G6", "never came back") {
        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            unit.await(unit.invalidateDomain(id));
            if (gather.heldPages() == 1) {
                gather.moveTo(gather.sibling());
            } else {
                gather.completed();
            }
        }
    },
    GIVES_BACK_TWICE("G1", "came back twice") {
        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            IotlbGather.Owner owner = gather.owner();
            right(unit, id, gather);
            PageList again = new PageList();
            again.add(0x1000);
            owner.release(again);
        }
    },
    COMPLETES_ON_AN_ABORTED_WAIT("G1", "though every wait was aborted") {
        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            try {
                unit.await(unit.invalidateDomain(id));
            } catch (IommuException e) {
                /* That is the mistake. */
            }
            gather.completed();
        }
    },
    CALLS_AN_EMPTY_GATHER_DONE_THOUGH_THE_LAST_SYNC_THREW(
            "G1", "the next one of the same gather says done") {
        private final List<IotlbGather> failed = new ArrayList<>();

        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            IotlbGather mine = gather.sibling();
            gather.moveTo(mine);
            failed.add(mine);
            unit.await(unit.invalidateDomain(id));
            failed.forEach(IotlbGather::completed);
            failed.clear();
        }
    },
    IGNORES_THE_CHANGE_OF_STRUCTURE("G3", "only with the leaf-only hint") {
        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            if (gather.rangeCount() == 0 || gather.end() - gather.start() > 1L << 21) {
                right(unit, id, gather);
                return;
            }
            long from = gather.start() & -(1L << 21);
            unit.await(unit.invalidatePages(id, from, 9, true));
            unit.await(unit.invalidatePages(id, from + (1L << 21), 9, true));
            gather.completed();
        }
    },
    COVERS_THE_OLD_LEAF_IN_PIECES("G2", "covers the leaf of 0x200000 bytes") {
        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            if (unit.maxOrder() < 8 || gather.end() - gather.start() != 1L << 21) {
                right(unit, id, gather);
                return;
            }
            unit.await(unit.invalidatePages(id, gather.start(), 8, false));
            unit.await(unit.invalidatePages(id, gather.start() + (1L << 20), 8, false));
            gather.completed();
        }
    },
    INVALIDATES_THE_FIRST_PAGE_ONLY("G4", "no invalidation that covers") {
        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            if (gather.structureChanged() || unit.maxOrder() < 0) {
                right(unit, id, gather);
                return;
            }
            unit.await(unit.invalidatePages(id, gather.rangeStart(0), 0, true));
            gather.completed();
        }
    },
    ASKS_FOR_MORE_THAN_THE_UNIT_CAN("G4", "a request of order 30") {
        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            long ignored = unit.invalidatePages(id, 0, 30, false);
            right(unit, id, gather);
        }
    },
    KEEPS_THE_GATHER("G6", "the gather is not empty after sync") {
        @Override
        void sync(IotlbInvalidator unit, int id, IotlbGather gather) {
            unit.await(unit.invalidateDomain(id));
        }
    };

    final String rule;
    final String message;

    /** Caught under a rule, by a message that holds these words. */
    WrongFlushPolicies(String rule, String message) {
        this.rule = rule;
        this.message = message;
    }

    abstract void sync(IotlbInvalidator unit, int id, IotlbGather gather);

    static void right(IotlbInvalidator unit, int id, IotlbGather gather) {
        unit.await(unit.invalidateDomain(id));
        gather.completed();
    }

    @Override
    public FlushPolicy create(FlushContext context) {
        IotlbInvalidator unit = context.invalidator();
        return new FlushPolicy() {
            @Override
            public synchronized FlushCompletion sync(int domainId, IotlbGather gather) {
                if (!gather.isEmpty()) {
                    WrongFlushPolicies.this.sync(unit, domainId, gather);
                }
                return FlushCompletion.DONE;
            }

            @Override
            public void drain() {}

            @Override
            public void close() {}
        };
    }
}
