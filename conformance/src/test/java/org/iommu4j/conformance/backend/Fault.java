package org.iommu4j.conformance.backend;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.Providers;

/**
 * Backends that are wrong on purpose, each in one way, with the rule under which the kit must catch
 * it and words that its message must have. Those of the specification's list of defects have its
 * letter.
 */
enum Fault {
    A(Rule.S7, "was not written back", Flaw.A_ONLY_THE_PARENT_IS_WRITTEN_BACK),
    B(Rule.U6, "halves of two leaves", Flaw.B_THE_LENGTH_DECIDES_ABOUT_A_SPLIT),
    C(Rule.S5, "has changed", Flaw.C_A_LOST_EXCHANGE_IS_AN_ERROR),
    D(Rule.S2, "a child of a leaf", Flaw.D_HIGH_ATTRIBUTES_ARE_NOT_INHERITED),
    E(Rule.U4, "failed, where", Flaw.E_AN_ERROR_MIDWAY_LEAVES_HALF_AN_UNMAP),
    F(Rule.S2, "lacks the bits", Flaw.F_A_TABLES_ENTRY_LACKS_BITS),
    G(Rule.U4, "be mapped any more", Flaw.G_THE_ERROR_OF_A_NESTED_LEVEL_IS_DROPPED),
    H(Rule.G2, "may still be cached whole", Flaw.H_THE_SMALL_RANGE_IS_INVALIDATED),
    I(Rule.G3, "may keep its paging-structure caches", Flaw.I_THE_LEAF_ONLY_HINT_IS_GIVEN),
    J(Rule.S4, "they are lost", Flaw.J_THE_ENTRY_IS_READ_AGAIN),
    K(Rule.S7, "was not written back", Flaw.K_CLEARED_ENTRIES_ARE_NOT_WRITTEN_BACK),
    L(Rule.S6, "a split of", Flaw.L_THE_SECOND_TABLE_IS_TAKEN_LATE),
    M(Rule.U5, "table pages stay", Flaw.M_TABLES_ARE_NEVER_RECLAIMED),
    N(Rule.U3, "with REJECT", Flaw.N_PARTIAL_UNMAP_CANNOT_BE_ASKED_FOR),
    O(Rule.G2, "under a split that is pending", Flaw.O_A_PENDING_SPLIT_IS_FORGOTTEN),
    P(
            Rule.S7,
            "another thread's unmap has returned",
            Flaw.P_ANOTHERS_TABLE_IS_USED_BEFORE_ITS_LINK_IS_WRITTEN_BACK),

    TRANSLATES_TO_PAGES(Rule.M1, "translate says", WrongDomains::translatesToPages),
    REPLACES_WHAT_IS_MAPPED(Rule.M2, "should be refused", WrongDomains::replacesWhatIsMapped),
    USES_SMALL_PAGES(Rule.M3, "could be of", WrongIommus::usesSmallPages, ""),
    MAPS_AS_FAR_AS_IT_GOES(Rule.M4, "the mappings are", WrongDomains::mapsAsFarAsItGoes),
    KEEPS_SMALL_PAGES(Rule.M5, "made a leaf of 0x1000", WrongDomains::keepsSmallPages),
    ROUNDS_WHAT_IS_MISALIGNED(Rule.M6, "should be refused", WrongDomains::roundsWhatIsMisaligned),
    PERMITS_WRITING(Rule.M7, "mapped read-only says read-write", WrongDomains::permitsWriting),
    MAPS_WITHOUT_SYNC(
            Rule.M8,
            "under a split that is pending",
            WrongDomains::mapsWithoutSync,
            "emulator:caches=keeps-everything"),
    TAKES_LEAVES_WHOLE(Rule.U1, "one page of a leaf says", WrongDomains::takesLeavesWhole),
    STOPS_AT_HOLES(Rule.U2, "a range with a hole", WrongDomains::stopsAtHoles),
    SPLITS_ALWAYS(Rule.U3, "with REJECT", WrongIommus::splitsAlways, ""),
    UNMAPS_AS_FAR_AS_IT_GOES(Rule.U4, "failed, where", WrongDomains::unmapsAsFarAsItGoes),
    KEEPS_EMPTY_TABLES(Rule.U5, "table pages stay", WrongIommus::keepsEmptyTables, ""),
    UNMAPS_ALL_AND_MAPS_THE_REST(Rule.S1, "a unit finds", WrongDomains::unmapsAllAndMapsTheRest),
    BREAKS_BEFORE_IT_MAKES(Rule.S1, "a unit finds", Flaw.A_SPLIT_BREAKS_BEFORE_IT_MAKES),
    CHILDREN_TOO_FAR_APART(Rule.S3, "translates to", Flaw.CHILDREN_ARE_TOO_FAR_APART),
    THE_LOSERS_TABLE_LEAKS(Rule.S5, "table pages more", Flaw.THE_LOSERS_TABLE_LEAKS),
    SPLITS_LEVEL_BY_LEVEL(
            Rule.S6, "a split of 0x40000000 failed", WrongDomains::splitsLevelByLevel),
    PAGES_COME_BACK_AT_ONCE(Rule.G1, "was given back", Flaw.PAGES_COME_BACK_AT_ONCE),
    GIVES_THE_LEAF_ONLY_HINT(
            Rule.G3,
            "",
            WrongMachine::hintsAlways,
            "emulator:scalable=false,caches=keeps-everything",
            true),
    HALVES_MASKS(
            Rule.G4,
            "",
            WrongMachine::halvesMasks,
            "emulator:scalable=false,caches=keeps-everything",
            true),
    DOES_NOT_KNOW_CACHING_MODE(
            Rule.G5,
            "which was blocked before",
            WrongMachine::hidesItsCachingMode,
            "emulator:scalable=false,caching-mode=true",
            true),
    TAKES_ANY_GATHER(Rule.G6, "another domain's gather", WrongDomains::takesAnyGather),
    SYNCS_ONCE(Rule.G6, "was synced", WrongDomains::syncsOnce),
    FORGETS_THE_SECOND_UNIT(
            Rule.G7,
            "unmapped for all units",
            WrongMachine::forgetsTheSecondUnit,
            "emulator:scalable=false,units=2",
            true),
    COALESCE_BREAKS(Rule.C1, "a unit finds", Flaw.COALESCE_BREAKS_BEFORE_IT_MAKES),
    COALESCE_LOOKS_AT_NOTHING(Rule.C2, "after a coalesce", Flaw.COALESCE_LOOKS_AT_NOTHING),
    COALESCE_IS_UNGUARDED(Rule.C2, "of a coalesce", Flaw.COALESCE_COUNTS_AND_STAYS_UNGUARDED),
    COALESCE_DROPS_DIRTY_BITS(Rule.C3, "is not dirty any more", Flaw.COALESCE_DROPS_DIRTY_BITS),
    COALESCE_FREES_AT_ONCE(Rule.C4, "was given back", Flaw.COALESCE_FREES_AT_ONCE),
    DIRTY_IS_NOT_TOLD(Rule.D1, "were written", Flaw.DIRTY_IS_CLEARED_AND_NOT_TOLD),
    DIRTY_GRANULARITY(Rule.D2, "pages of 0x1000", Flaw.DIRTY_GRANULARITY_IS_THE_LEAFS),
    DIRTY_STAYS(Rule.D3, "is reported again", Flaw.DIRTY_IS_NOT_CLEARED),
    DIRTY_IS_NOT_INVALIDATED(
            Rule.D3, "does not cover it", Flaw.DIRTY_IS_CLEARED_AND_NOT_INVALIDATED),
    DIRTY_STAYS_IN_THE_UNIT(
            Rule.D3,
            "were written",
            WrongMachine::forgetsPages,
            "emulator:first-stage=false,caches=keeps-everything",
            true),
    DIRTY_IS_LOST(Rule.D4, "were written", Flaw.DIRTY_IS_LOST_WITH_ITS_MAPPING),
    TELLS_FAULTS_TWICE(Rule.F1, "was blocked", WrongIommus::tellsFaultsTwice, "emulator"),
    TELLS_THE_WRONG_PAGE(Rule.F1, "was blocked", WrongIommus::tellsTheWrongPage, "emulator"),
    ANSWERS_TWICE(Rule.F2, "was asked 2 times", WrongIommus::handlesRequestsTwice, "emulator"),
    CALLS_LISTENERS_ON_ONE_THREAD(
            Rule.F3, "listeners that throw", WrongIommus::callsListenersOnOneThread, "emulator"),
    STAYS_OPEN(Rule.L1, "pages are taken", WrongDomains::staysOpen),
    DETACHES_LATER(Rule.L2, "after it was detached", WrongIommus::detachesLater, "emulator"),
    FORGETS_CONTEXTS(
            Rule.L2,
            "after it was",
            WrongMachine::forgetsContexts,
            "emulator:scalable=false,caches=keeps-everything",
            true),
    TAKES_ANY_WIDTH(Rule.L3, "a domain of it was made", WrongIommus::takesAnyWidth, ""),
    DISTURBS_THE_NEXT_PAGE(Rule.T1, "use the pages beside it", WrongDomains::disturbsTheNextPage),
    SAYS_WHAT_IT_SAW_BEFORE(Rule.T2, "by their results", WrongDomains::saysWhatItSawBefore),
    HOLDS_ONE_LOCK(Rule.T3, "a guard is held", WrongDomains::holdsOneLock);

    /** The rule under which it must be caught. */
    final Rule rule;

    /** Words of the message. */
    final String words;

    @SuppressWarnings("ImmutableEnumChecker") // it is; it has no annotation that says so
    private final BackendUnderTest subject;

    Fault(Rule rule, String words, Flaw flaw) {
        this(rule, words, new SmallBackend(flaw).underTest());
    }

    Fault(Rule rule, String words, WrongDomain wrong) {
        this(rule, words, wrong, "");
    }

    Fault(Rule rule, String words, WrongDomain wrong, String machine) {
        this(rule, words, (WrongIommu) iommu -> new WithDomains(iommu, wrong), machine);
    }

    Fault(Rule rule, String words, WrongIommu wrong, String machine) {
        this(rule, words, on(machine, UnaryOperator.identity(), new Wrapped(wrong)));
    }

    Fault(
            Rule rule,
            String words,
            UnaryOperator<Machine> wrong,
            String machine,
            boolean isOfTheMachine) {
        this(rule, words, on(machine, wrong, Iommu.providers().getFirst()));
        if (!isOfTheMachine) {
            throw new IllegalArgumentException("a wrong machine");
        }
    }

    Fault(Rule rule, String words, BackendUnderTest subject) {
        this.rule = rule;
        this.words = words;
        this.subject = subject;
    }

    /** Makes a wrong domain of one that is right. */
    private interface WrongDomain {
        IommuDomain over(IommuDomain real);
    }

    /** Makes a wrong Iommu of one that is right. */
    private interface WrongIommu {
        Iommu over(Iommu real);
    }

    /** An Iommu of wrong domains. */
    private static final class WithDomains extends DelegatingIommu {

        private final WrongDomain wrong;

        WithDomains(Iommu real, WrongDomain wrong) {
            super(real);
            this.wrong = wrong;
        }

        @Override
        public IommuDomain createDomain(DomainOptions options) {
            return wrong.over(super.createDomain(options));
        }
    }

    /** A provider of wrong Iommus. */
    private record Wrapped(WrongIommu wrong) implements IommuProvider {

        @Override
        public String name() {
            return Iommu.providers().getFirst().name();
        }

        @Override
        public Iommu open(IommuOptions options) {
            return wrong.over(Iommu.providers().getFirst().open(options));
        }
    }

    private static BackendUnderTest on(
            String machine, UnaryOperator<Machine> wrong, IommuProvider provider) {
        BackendUnderTest backend = BackendUnderTest.of(provider);
        return machine.isEmpty()
                ? backend
                : backend.on(
                        machine,
                        () -> wrong.apply(machines(machine).create(BackendUnderTest.MEMORY)));
    }

    static MachineProvider machines(String choice) {
        return Providers.choose(
                MachineProvider.class, "machine", MachineProvider.providers(), choice);
    }

    /** {@return what is wrong} */
    String mistake() {
        return name().length() > 1
                ? name()
                : Arrays.stream(Flaw.values())
                        .map(Flaw::name)
                        .filter(flaw -> flaw.startsWith(name() + "_"))
                        .findFirst()
                        .orElseThrow();
    }

    /** The backend, to be tried. */
    BackendUnderTest subject() {
        return subject;
    }
}
