package org.iommu4j.conformance.backend;

/** The rules of the specification (docs/specification.md), each in a few words. */
enum Rule {
    M1("every mapped byte translates exactly, all else is not mapped"),
    M2("mapping over anything mapped is refused and changes nothing"),
    M3("the largest legal leaves are used"),
    M4("a map that runs out of table pages changes nothing and keeps none"),
    M5("an empty table is no obstacle to a larger leaf"),
    M6("the ends of the width can be mapped; what is beyond or misaligned is refused"),
    M7("attributes come back as given, or are refused by name"),
    M8("devices can use what a map added when it returns, or its gather's sync completes"),
    U1("exactly the asked bytes go; the result counts them"),
    U2("holes are skipped"),
    U3("split, reject and widen do what they are named for"),
    U4("an unmap that fails changes nothing"),
    U5("emptied tables are reclaimed"),
    U6("ranges may straddle leaves of different sizes"),
    S1("a split is hitless at every state of memory, for spread walks too"),
    S2("children inherit every attribute, and tables have every bit they need"),
    S3("neighbouring children are one child's size apart"),
    S4("no accessed or dirty bit is lost, whenever it is set"),
    S5("all who race to split one leaf succeed, and no page leaks"),
    S6("all pages are reserved before the first visible store"),
    S7(
            "tables are written back whole before they are linked, and every store before the call ends"),
    G1("no table page is reused before its invalidation has completed"),
    G2("the invalidation covers the whole old leaf, while its change is pending too"),
    G3("no leaf-only hint where a non-leaf entry changed"),
    G4("misaligned, disjoint and very large ranges are covered"),
    G5("additions reach a unit that caches absence or buffers writes"),
    G6("no gather loses anything; another domain's is refused"),
    G7("a completion covers all units"),
    C1("coalescing is hitless"),
    C2("only equal and contiguous children are merged"),
    C3("no dirty bit is lost by coalescing"),
    C4("the replaced table is freed after its invalidation"),
    D1("every write is in a report"),
    D2("the granularity is as asked"),
    D3("what was cleared is clear for the unit"),
    D4("what was dirty when it was unmapped is reported"),
    F1("every recorded fault is reported once, as it was"),
    F2("a page request is answered exactly once"),
    F3("a listener that throws or blocks stops nothing"),
    L1("close returns every page"),
    L2("detach and close stop translation"),
    L3("a domain that does not fit is refused, before any change"),
    T1("calls on disjoint ranges do not disturb each other"),
    T2("threads leave nothing half done, leaked or freed twice"),
    T3("no call waits for another's wait for the unit");

    private final String sentence;

    Rule(String sentence) {
        this.sentence = sentence;
    }

    /** {@return what it says, in a few words} */
    String sentence() {
        return sentence;
    }
}
