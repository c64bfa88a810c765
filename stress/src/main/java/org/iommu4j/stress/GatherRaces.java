package org.iommu4j.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** What has to be invalidated when two threads take one leaf apart (defect o). */
public class GatherRaces {

    private static final Domains DOMAINS = new Domains(0, 16);

    private GatherRaces() {}

    /**
     * Two unmaps out of one leaf, and no sync: the second one unmaps under a split that is pending.
     */
    @JCStressTest
    @Description("Two threads unmap a page each of a leaf of 2 MiB; nothing is invalidated yet")
    @Outcome(
            id = "true, true",
            expect = ACCEPTABLE,
            desc = "Both gathers cover the old leaf, whoever split it")
    @Outcome(
            expect = FORBIDDEN,
            desc = "A gather covers its own page only: a unit may keep the large translation")
    @State
    public static class G2_UnmapsUnderAPendingSplit extends Trial {

        /** Maps the leaf. */
        public G2_UnmapsUnderAPendingSplit() {
            super(DOMAINS);
            map(domain, LEAF, LARGE);
        }

        /** Unmaps. */
        @Actor
        public void first(ZZ_Result result) {
            domain.unmap(page(3), PAGE, gathers.first());
            result.r1 = coversLeaf(gathers.first());
        }

        /** Unmaps. */
        @Actor
        public void second(ZZ_Result result) {
            domain.unmap(page(400), PAGE, gathers.second());
            result.r2 = coversLeaf(gathers.second());
        }

        /** Looks at what is left. */
        @Arbiter
        public void after() {
            end();
        }
    }

    /**
     * Two unmaps out of one leaf, each with its sync, and a unit that has the leaf in its cache.
     */
    @JCStressTest
    @Description(
            "Two threads unmap a page each of a leaf of 2 MiB, and sync; a unit has the leaf in its cache")
    @Outcome(
            id = "false, false",
            expect = ACCEPTABLE,
            desc = "After either sync the unit has forgotten the leaf")
    @Outcome(
            expect = FORBIDDEN,
            desc = "A page is unmapped and synced, and the unit still reaches it")
    @State
    public static class G2_SyncsUnderAPendingSplit extends Trial {

        /** Maps the leaf. */
        public G2_SyncsUnderAPendingSplit() {
            super(DOMAINS);
            map(domain, LEAF, LARGE);
            domain.cacheLargeLeaf();
        }

        /** Unmaps and syncs. */
        @Actor
        public void first(ZZ_Result result) {
            domain.unmap(page(3), PAGE, gathers.first());
            domain.sync(gathers.first());
            result.r1 = domain.cachesLargeLeaf();
        }

        /** Unmaps and syncs. */
        @Actor
        public void second(ZZ_Result result) {
            domain.unmap(page(400), PAGE, gathers.second());
            domain.sync(gathers.second());
            result.r2 = domain.cachesLargeLeaf();
        }

        /** Looks at what is left. */
        @Arbiter
        public void after() {
            end();
        }
    }
}
