package org.iommu4j.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.Arrays;
import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.LLL_Result;

/** Two threads that want the last pages. */
public class ExhaustionRaces {

    /* Root, two upper tables, one table of pages, and one more. */
    private static final Domains LITTLE = new Domains(0, 5);

    /* Root and three more. */
    private static final Domains TINY = new Domains(0, 4);

    private ExhaustionRaces() {}

    /** Two maps that need a table each, where there is a page for one. */
    @JCStressTest
    @Description("Two threads map a page each, both need a table, and there is one page")
    @Outcome(id = "mapped, exhausted, true", expect = ACCEPTABLE, desc = "The first thread got it")
    @Outcome(id = "exhausted, mapped, true", expect = ACCEPTABLE, desc = "The second thread got it")
    @Outcome(expect = FORBIDDEN, desc = "Both or none, or one that failed has changed something")
    @State
    public static class M4_TheLastPageForTwoMaps extends Trial {

        /** Maps a page, which takes all upper tables. */
        public M4_TheLastPageForTwoMaps() {
            super(LITTLE);
            map(domain, LEAF, PAGE);
        }

        /** Maps. */
        @Actor
        public void first(LLL_Result result) {
            result.r1 = attempt(NEXT, gathers.first());
        }

        /** Maps. */
        @Actor
        public void second(LLL_Result result) {
            result.r2 = attempt(NEXT + LARGE, gathers.second());
        }

        /** Looks at what is left. */
        @Arbiter
        public void after(LLL_Result result) {
            result.r3 =
                    translated(NEXT).equals(left(result.r1))
                            && translated(NEXT + LARGE).equals(left(result.r2));
            end();
        }

        private String attempt(long iova, IotlbGather gather) {
            try {
                domain.map(iova, outputOf(iova), PAGE, Access.READ_WRITE, gather);
                return "mapped";
            } catch (TableMemoryExhaustedException e) {
                return "exhausted";
            }
        }

        private static String left(Object attempt) {
            return attempt.equals("mapped") ? "mapped" : "none";
        }
    }

    /** Two threads that take two pages each, where there are three. */
    @JCStressTest
    @Description("Two threads take two pages each of an allocator that has three")
    @Outcome(id = "2, 1, 3", expect = ACCEPTABLE, desc = "The first thread got two")
    @Outcome(id = "1, 2, 3", expect = ACCEPTABLE, desc = "The second thread got two")
    @Outcome(
            expect = FORBIDDEN,
            desc = "A page was handed out twice, or refused though it was there")
    @State
    public static class T2_TheLastPagesOfTheAllocator extends Trial {
        private final long[] pages = new long[4];

        /** Maps nothing: all pages but the root are there. */
        public T2_TheLastPagesOfTheAllocator() {
            super(TINY);
        }

        /** Takes two. */
        @Actor
        public void first(III_Result result) {
            result.r1 = take(0);
        }

        /** Takes two. */
        @Actor
        public void second(III_Result result) {
            result.r2 = take(2);
        }

        /** Looks at what is left. */
        @Arbiter
        public void after(III_Result result) {
            result.r3 = (int) Arrays.stream(pages).filter(page -> page > 0).distinct().count();
            Arrays.stream(pages).filter(page -> page > 0).forEach(domain.allocator()::give);
            end();
        }

        private int take(int at) {
            int taken = 0;
            for (int i = at; i < at + 2; i++) {
                pages[i] = domain.allocator().take();
                taken += pages[i] > 0 ? 1 : 0;
            }
            return taken;
        }
    }
}
