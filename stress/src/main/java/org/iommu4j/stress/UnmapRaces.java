package org.iommu4j.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.iommu4j.api.Access;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.L_Result;

/** An unmap against another one, and against who translates. */
public class UnmapRaces {

    private static final Domains DOMAINS = new Domains(0, 16);

    private static final Domains SLOW = Domains.slow(0, 16);

    private UnmapRaces() {}

    /** Two unmaps of one page. */
    @JCStressTest
    @Description("Two threads unmap one page")
    @Outcome(id = "4096, 0", expect = ACCEPTABLE, desc = "The first thread took it")
    @Outcome(id = "0, 4096", expect = ACCEPTABLE, desc = "The second thread took it")
    @Outcome(expect = FORBIDDEN, desc = "It was counted twice, or not at all")
    @State
    public static class T2_TwoUnmapsOfOnePage extends Trial {

        /** Maps the page, and another one. */
        public T2_TwoUnmapsOfOnePage() {
            super(DOMAINS);
            map(domain, page(0), PAGE);
            map(domain, page(5), PAGE);
        }

        /** Unmaps. */
        @Actor
        public void first(II_Result result) {
            result.r1 = (int) domain.unmap(page(0), PAGE, gathers.first());
        }

        /** Unmaps. */
        @Actor
        public void second(II_Result result) {
            result.r2 = (int) domain.unmap(page(0), PAGE, gathers.second());
        }

        /** Looks at what is left. */
        @Arbiter
        public void after() {
            end();
        }
    }

    /** An unmap against translations of the page. */
    @JCStressTest
    @Description("One thread unmaps a page, the other one translates it")
    @Outcome(id = "mapped", expect = ACCEPTABLE, desc = "All looks came before")
    @Outcome(id = "mapped none", expect = ACCEPTABLE, desc = "It went in between")
    @Outcome(id = "none", expect = ACCEPTABLE, desc = "All looks came after")
    @Outcome(expect = FORBIDDEN, desc = "It came back, or translated to something else")
    @State
    public static class T2_UnmapAgainstTranslate extends Trial {

        /** Maps the page, and another one. */
        public T2_UnmapAgainstTranslate() {
            super(DOMAINS);
            map(domain, page(0), PAGE);
            map(domain, page(5), PAGE);
        }

        /** Unmaps. */
        @Actor
        public void unmap() {
            domain.unmap(page(0), PAGE, gathers.first());
        }

        /** Translates. */
        @Actor
        public void translate(L_Result result) {
            result.r1 = watched(page(0), domain::translate);
        }

        /** Looks at what is left. */
        @Arbiter
        public void after() {
            end();
        }
    }

    /**
     * An unmap that frees a table, which is used for another range at once, against translations
     * through it.
     */
    @JCStressTest
    @Description(
            "One thread unmaps a page, frees its table and maps another page with it; the other one translates the first page")
    @Outcome(id = "mapped", expect = ACCEPTABLE, desc = "All looks came before")
    @Outcome(id = "mapped none", expect = ACCEPTABLE, desc = "It went in between")
    @Outcome(id = "none", expect = ACCEPTABLE, desc = "All looks came after")
    @Outcome(expect = FORBIDDEN, desc = "The other range's address, or the page came back")
    @State
    public static class M1_TranslateWhileTheTableIsReused extends Trial {

        /** Maps the only page of the table, and one elsewhere that keeps the upper tables. */
        public M1_TranslateWhileTheTableIsReused() {
            super(SLOW);
            map(domain, LEAF, PAGE);
            map(domain, NEXT + LARGE, PAGE);
        }

        /** Frees the table, and takes it for a page at the same place in another range. */
        @Actor
        public void reuse() {
            domain.unmap(LEAF, PAGE, gathers.first());
            domain.sync(gathers.first());
            domain.map(NEXT, OTHER_OUTPUT, PAGE, Access.READ_WRITE);
        }

        /** Translates. */
        @Actor
        public void translate(L_Result result) {
            result.r1 = watched(LEAF, domain::translate);
        }

        /** Looks at what is left. */
        @Arbiter
        public void after() {
            end();
        }
    }
}
