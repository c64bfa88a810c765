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
import org.openjdk.jcstress.infra.results.LLL_Result;
import org.openjdk.jcstress.infra.results.ZZI_Result;
import org.openjdk.jcstress.infra.results.ZZL_Result;

/** Two threads that map, and one that maps beside one that unmaps. */
public class MapRaces {

    private static final Domains DOMAINS = new Domains(0, 16);

    private MapRaces() {}

    /** Two maps of one page, where there is no table yet. */
    @JCStressTest
    @Description("Two threads map one page, each to an address of its own")
    @Outcome(id = "true, false, first", expect = ACCEPTABLE, desc = "The first thread mapped it")
    @Outcome(id = "false, true, second", expect = ACCEPTABLE, desc = "The second thread mapped it")
    @Outcome(expect = FORBIDDEN, desc = "Both or none, or to neither address")
    @State
    public static class M2_TwoMapsOfOnePage extends Trial {

        /** Maps nothing. */
        public M2_TwoMapsOfOnePage() {
            super(DOMAINS);
        }

        /** Maps it. */
        @Actor
        public void first(ZZL_Result result) {
            result.r1 =
                    domain.tryMap(LEAF, outputOf(LEAF), PAGE, Access.READ_WRITE, gathers.first());
        }

        /** Maps it to somewhere else. */
        @Actor
        public void second(ZZL_Result result) {
            result.r2 =
                    domain.tryMap(LEAF, OTHER_OUTPUT, PAGE, Access.READ_WRITE, gathers.second());
        }

        /** Looks at what is left. */
        @Arbiter
        public void after(ZZL_Result result) {
            long output = domain.translate(LEAF);
            result.r3 =
                    output == outputOf(LEAF)
                            ? "first"
                            : output == OTHER_OUTPUT ? "second" : "nobody";
            end();
        }
    }

    /** A map of 2 MiB against a map of one page in it. */
    @JCStressTest
    @Description("One thread maps 2 MiB, the other one a page in it to another address")
    @Outcome(id = "true, false, 512", expect = ACCEPTABLE, desc = "The large leaf is there")
    @Outcome(id = "false, true, 1", expect = ACCEPTABLE, desc = "The page is there")
    @Outcome(expect = FORBIDDEN, desc = "Both or none, or something else")
    @State
    public static class M2_LeafAgainstPage extends Trial {

        /** Maps nothing. */
        public M2_LeafAgainstPage() {
            super(DOMAINS);
        }

        /** Maps all. */
        @Actor
        public void leaf(ZZI_Result result) {
            result.r1 =
                    domain.tryMap(LEAF, outputOf(LEAF), LARGE, Access.READ_WRITE, gathers.first());
        }

        /** Maps a page. */
        @Actor
        public void page(ZZI_Result result) {
            result.r2 =
                    domain.tryMap(
                            page(7), outputOf(page(7)), PAGE, Access.READ_WRITE, gathers.second());
        }

        /** Looks at what is left. */
        @Arbiter
        public void after(ZZI_Result result) {
            result.r3 = pagesOfLeaf();
            end();
        }
    }

    /** A map against an unmap of the page beside it, in one table. */
    @JCStressTest
    @Description("One thread maps a page, the other one unmaps the page beside it")
    @Outcome(
            id = "true, 4096, none mapped mapped",
            expect = ACCEPTABLE,
            desc = "Neither noticed the other")
    @Outcome(expect = FORBIDDEN, desc = "A neighbour was disturbed")
    @State
    public static class T1_MapBesideUnmap extends Trial {

        /** Maps the page beside it, and one that keeps the table from being empty. */
        public T1_MapBesideUnmap() {
            super(DOMAINS);
            map(domain, page(0), PAGE);
            map(domain, page(5), PAGE);
        }

        /** Maps. */
        @Actor
        public void map(LLL_Result result) {
            result.r1 =
                    domain.tryMap(
                            page(1), outputOf(page(1)), PAGE, Access.READ_WRITE, gathers.first());
        }

        /** Unmaps. */
        @Actor
        public void unmap(LLL_Result result) {
            result.r2 = domain.unmap(page(0), PAGE, gathers.second());
        }

        /** Looks at what is left. */
        @Arbiter
        public void after(LLL_Result result) {
            result.r3 = translated(page(0)) + ' ' + translated(page(1)) + ' ' + translated(page(5));
            end();
        }
    }

    /** A map into a table that an unmap empties, and which goes then. */
    @JCStressTest
    @Description("One thread unmaps the last page of a table, the other one maps a page there")
    @Outcome(
            id = "true, 4096, none mapped",
            expect = ACCEPTABLE,
            desc = "The page is there, in that table or a new one")
    @Outcome(expect = FORBIDDEN, desc = "The page is lost, or one too many is there")
    @State
    public static class U5_MapIntoATableThatIsEmptied extends Trial {

        /** Maps the only page of the table. */
        public U5_MapIntoATableThatIsEmptied() {
            super(DOMAINS);
            map(domain, page(0), PAGE);
        }

        /** Maps. */
        @Actor
        public void map(LLL_Result result) {
            result.r1 =
                    domain.tryMap(
                            page(1), outputOf(page(1)), PAGE, Access.READ_WRITE, gathers.first());
        }

        /** Unmaps. */
        @Actor
        public void unmap(LLL_Result result) {
            result.r2 = domain.unmap(page(0), PAGE, gathers.second());
        }

        /** Looks at what is left. */
        @Arbiter
        public void after(LLL_Result result) {
            result.r3 = translated(page(0)) + ' ' + translated(page(1));
            end();
        }
    }
}
