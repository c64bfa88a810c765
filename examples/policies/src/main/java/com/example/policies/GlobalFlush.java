package com.example.policies;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.IotlbInvalidator;

/**
 * Provides {@code global}: everything of every domain, at once, for a unit that can nothing else.
 */
public final class GlobalFlush implements FlushPolicyProvider {

    /** For the service loader. */
    public GlobalFlush() {}

    @Override
    public String name() {
        return "global";
    }

    @Override
    public FlushPolicy create(FlushContext context) {
        return new Policy(context.invalidator());
    }

    private static final class Policy implements FlushPolicy {

        private final IotlbInvalidator unit;
        private final List<IotlbGather> held = new ArrayList<>();

        Policy(IotlbInvalidator unit) {
            this.unit = unit;
        }

        @Override
        public synchronized FlushCompletion sync(int domainId, IotlbGather gather) {
            if (!gather.isEmpty()) {
                /* The gather is the caller's and must be empty afterwards, whatever happens. */
                IotlbGather mine = gather.sibling();
                gather.moveTo(mine);
                held.add(mine);
            }
            /* Also for an empty one: who tries again after a failure must not hear that it is done. */
            drain();
            return FlushCompletion.DONE;
        }

        @Override
        public synchronized void drain() {
            if (!held.isEmpty()) {
                /* If the wait fails, it throws, and everything is held for the next time. */
                unit.await(unit.invalidateGlobal());
                held.forEach(IotlbGather::completed);
                held.clear();
            }
        }

        @Override
        public void close() {
            drain();
        }
    }
}
