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
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.LL_Result;

/** A leaf that becomes a table, against those who use it. */
public class SplitRaces {

    private static final Domains DOMAINS = new Domains(0, 16);

    private SplitRaces() {}

    /** A split against translations of addresses that stay mapped. */
    @JCStressTest
    @Description("One thread splits a leaf of 2 MiB, the other one translates addresses in it")
    @Outcome(id = "mapped, mapped", expect = ACCEPTABLE, desc = "As it was mapped, at every look")
    @Outcome(expect = FORBIDDEN, desc = "An address that stays mapped was not, or elsewhere")
    @State
    public static class S1_SplitAgainstTranslate extends Trial {

        /** Maps the leaf. */
        public S1_SplitAgainstTranslate() {
            super(DOMAINS);
            map(domain, LEAF, LARGE);
        }

        /** Splits. */
        @Actor
        public void split() {
            domain.split(LEAF, LARGE, PAGE, gathers.first());
        }

        /** Translates. */
        @Actor
        public void translate(LL_Result result) {
            result.r1 = watched(page(3), domain::translate);
            result.r2 = watched(page(511), domain::translate);
        }

        /** Looks at what is left. */
        @Arbiter
        public void after() {
            end();
        }
    }

    /** An unmap of one page out of a leaf against the walks of a unit. */
    @JCStressTest
    @Description(
            "One thread unmaps a page of a leaf of 2 MiB, a unit walks to it and to its neighbour")
    @Outcome(id = "mapped, mapped", expect = ACCEPTABLE, desc = "The page was still there")
    @Outcome(id = "mapped none, mapped", expect = ACCEPTABLE, desc = "It went in between")
    @Outcome(id = "none, mapped", expect = ACCEPTABLE, desc = "It was gone")
    @Outcome(
            expect = FORBIDDEN,
            desc = "An address that stays mapped was not, or elsewhere, or the page came back")
    @State
    public static class S1_PunchAgainstWalk extends Trial {

        /** Maps the leaf. */
        public S1_PunchAgainstWalk() {
            super(DOMAINS);
            map(domain, LEAF, LARGE);
        }

        /** Unmaps. */
        @Actor
        public void unmap() {
            domain.unmap(page(3), PAGE, gathers.first());
        }

        /** Walks. */
        @Actor
        public void walk(LL_Result result) {
            result.r1 = watched(page(3), unit::translate);
            result.r2 = watched(page(4), unit::translate);
        }

        /** Looks at what is left. */
        @Arbiter
        public void after() {
            end();
        }
    }

    /**
     * An unmap of one page out of a leaf of 1 GiB, which takes two tables, against the walks of a
     * unit.
     */
    @JCStressTest
    @Description("One thread unmaps a page of a leaf of 1 GiB, a unit walks to its neighbours")
    @Outcome(id = "mapped, mapped", expect = ACCEPTABLE, desc = "As it was mapped, at every look")
    @Outcome(expect = FORBIDDEN, desc = "An address that stays mapped was not, or elsewhere")
    @State
    public static class S1_PunchOfAGibibyteAgainstWalk extends Trial {

        /** Maps the leaf. */
        public S1_PunchOfAGibibyteAgainstWalk() {
            super(DOMAINS);
            map(domain, LEAF, HUGE);
        }

        /** Unmaps. */
        @Actor
        public void unmap() {
            domain.unmap(page(3), PAGE, gathers.first());
        }

        /** Walks. */
        @Actor
        public void walk(LL_Result result) {
            result.r1 = watched(page(4), unit::translate);
            result.r2 = watched(LEAF + HUGE - PAGE, unit::translate);
        }

        /** Looks at what is left. */
        @Arbiter
        public void after() {
            end();
        }
    }

    /** A split against a device that writes. */
    @JCStressTest
    @Description("One thread splits a leaf of 2 MiB, a unit sets accessed and dirty bits in it")
    @Outcome(
            id = "mapped, true",
            expect = ACCEPTABLE,
            desc = "The bits are where the page is mapped now")
    @Outcome(expect = FORBIDDEN, desc = "A dirty bit is lost")
    @State
    public static class S4_SplitAgainstWrite extends Trial {

        /** Maps the leaf. */
        public S4_SplitAgainstWrite() {
            super(DOMAINS);
            map(domain, LEAF, LARGE);
        }

        /** Splits. */
        @Actor
        public void split() {
            domain.split(LEAF, LARGE, PAGE, gathers.first());
        }

        /** A device writes, sooner or later. */
        @Actor
        public void write(LL_Result result) {
            result.r1 = writtenLater(page(3));
        }

        /** Looks at what is left. */
        @Arbiter
        public void after(LL_Result result) {
            result.r2 = unit.isDirty(page(3));
            end();
        }
    }

    /** An unmap of one page out of a leaf against a device that writes to another one. */
    @JCStressTest
    @Description(
            "One thread unmaps a page of a leaf of 2 MiB, a unit sets accessed and dirty bits in it")
    @Outcome(
            id = "mapped, true",
            expect = ACCEPTABLE,
            desc = "The bits are where the page is mapped now")
    @Outcome(expect = FORBIDDEN, desc = "A dirty bit is lost")
    @State
    public static class S4_PunchAgainstWrite extends Trial {

        /** Maps the leaf. */
        public S4_PunchAgainstWrite() {
            super(DOMAINS);
            map(domain, LEAF, LARGE);
        }

        /** Unmaps. */
        @Actor
        public void unmap() {
            domain.unmap(page(4), PAGE, gathers.first());
        }

        /** A device writes, sooner or later. */
        @Actor
        public void write(LL_Result result) {
            result.r1 = writtenLater(page(3));
        }

        /** Looks at what is left. */
        @Arbiter
        public void after(LL_Result result) {
            result.r2 = unit.isDirty(page(3));
            end();
        }
    }

    /** Two unmaps of one page each out of one leaf. */
    @JCStressTest
    @Description("Two threads unmap different pages of a leaf of 2 MiB")
    @Outcome(id = "4096, 4096, 510", expect = ACCEPTABLE, desc = "Both went, all others stay")
    @Outcome(expect = FORBIDDEN, desc = "A page too many or too few")
    @State
    public static class S5_TwoPunches extends Trial {

        /** Maps the leaf. */
        public S5_TwoPunches() {
            super(DOMAINS);
            map(domain, LEAF, LARGE);
        }

        /** Takes one page. */
        @Actor
        public void first(III_Result result) {
            result.r1 = (int) domain.unmap(page(3), PAGE, gathers.first());
        }

        /** Takes another one. */
        @Actor
        public void second(III_Result result) {
            result.r2 = (int) domain.unmap(page(400), PAGE, gathers.second());
        }

        /** Looks at what is left. */
        @Arbiter
        public void after(III_Result result) {
            result.r3 = pagesOfLeaf();
            end();
        }
    }

    /** Two splits of one leaf. */
    @JCStressTest
    @Description("Two threads split a leaf of 2 MiB")
    @Outcome(id = "1, 512", expect = ACCEPTABLE, desc = "One table has taken its place")
    @Outcome(expect = FORBIDDEN, desc = "More than one table, or a page is lost")
    @State
    public static class S5_TwoSplits extends Trial {
        private final long before;

        /** Maps the leaf. */
        public S5_TwoSplits() {
            super(DOMAINS);
            before = domain.engine().splits();
            map(domain, LEAF, LARGE);
        }

        /** Splits. */
        @Actor
        public void first() {
            domain.split(LEAF, LARGE, PAGE, gathers.first());
        }

        /** Splits. */
        @Actor
        public void second() {
            domain.split(LEAF, LARGE, PAGE, gathers.second());
        }

        /** Looks at what is left. */
        @Arbiter
        public void after(II_Result result) {
            result.r1 = (int) (domain.engine().splits() - before);
            result.r2 = pagesOfLeaf();
            end();
        }
    }
}
