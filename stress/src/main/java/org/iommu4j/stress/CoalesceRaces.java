package org.iommu4j.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.LL_Result;

/** A table that becomes a leaf, against those who use it. */
public class CoalesceRaces {

    private static final Domains DOMAINS = new Domains(0, 16);

    private CoalesceRaces() {}

    /** A coalesce against translations. */
    @JCStressTest
    @Description("One thread merges 512 pages to a leaf, the other one translates addresses in it")
    @Outcome(id = "512, mapped", expect = ACCEPTABLE, desc = "As it was mapped, at every look")
    @Outcome(expect = FORBIDDEN, desc = "An address that stays mapped was not, or elsewhere")
    @State
    public static class C1_CoalesceAgainstTranslate extends Trial {

        /** Maps 512 pages. */
        public C1_CoalesceAgainstTranslate() {
            super(DOMAINS);
            mapAsPages(domain);
        }

        /** Merges. */
        @Actor
        public void coalesce(LL_Result result) {
            result.r1 = domain.coalesce(LEAF, LARGE, gathers.first());
        }

        /** Translates. */
        @Actor
        public void translate(LL_Result result) {
            result.r2 = watched(page(3), domain::translate);
        }

        /** Looks at what is left. */
        @Arbiter
        public void after() {
            end();
        }
    }

    /** A coalesce against the walks of a unit. */
    @JCStressTest
    @Description("One thread merges 512 pages to a leaf, a unit walks to one of them")
    @Outcome(id = "512, mapped", expect = ACCEPTABLE, desc = "As it was mapped, at every look")
    @Outcome(expect = FORBIDDEN, desc = "An address that stays mapped was not, or elsewhere")
    @State
    public static class C1_CoalesceAgainstWalk extends Trial {

        /** Maps 512 pages. */
        public C1_CoalesceAgainstWalk() {
            super(DOMAINS);
            mapAsPages(domain);
        }

        /** Merges. */
        @Actor
        public void coalesce(LL_Result result) {
            result.r1 = domain.coalesce(LEAF, LARGE, gathers.first());
        }

        /** Walks. */
        @Actor
        public void walk(LL_Result result) {
            result.r2 = watched(page(3), unit::translate);
        }

        /** Looks at what is left. */
        @Arbiter
        public void after() {
            end();
        }
    }

    /** A coalesce against an unmap of one of the pages. */
    @JCStressTest
    @Description("One thread merges 512 pages to a leaf, the other one unmaps one of them")
    @Outcome(id = "0, 4096, 511", expect = ACCEPTABLE, desc = "The unmap came first")
    @Outcome(id = "512, 4096, 511", expect = ACCEPTABLE, desc = "The leaf was split again")
    @Outcome(expect = FORBIDDEN, desc = "The page is still there, or another one is not")
    @State
    public static class C2_CoalesceAgainstUnmap extends Trial {

        /** Maps 512 pages. */
        public C2_CoalesceAgainstUnmap() {
            super(DOMAINS);
            mapAsPages(domain);
        }

        /** Merges. */
        @Actor
        public void coalesce(III_Result result) {
            result.r1 = (int) domain.coalesce(LEAF, LARGE, gathers.first());
        }

        /** Unmaps. */
        @Actor
        public void unmap(III_Result result) {
            result.r2 = (int) domain.unmap(page(3), PAGE, gathers.second());
        }

        /** Looks at what is left. */
        @Arbiter
        public void after(III_Result result) {
            result.r3 = pagesOfLeaf();
            end();
        }
    }
}
