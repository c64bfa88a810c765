package org.iommu4j.flush.policy;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PageList;

/** A domain that writes down which pages came back. */
final class RecordingOwner implements IotlbGather.Owner {

    final List<Long> released = new ArrayList<>();
    int completions;
    int failingReleases;

    @Override
    public FlushCompletion sync(IotlbGather gather) {
        throw new AssertionError("a policy must not sync");
    }

    @Override
    public void release(PageList pages) {
        if (failingReleases > 0) {
            failingReleases--;
            throw new IllegalStateException("no release, on purpose");
        }
        while (!pages.isEmpty()) {
            released.add(pages.removeLast());
        }
    }

    @Override
    public void invalidated(IotlbGather gather) {
        completions++;
    }
}
