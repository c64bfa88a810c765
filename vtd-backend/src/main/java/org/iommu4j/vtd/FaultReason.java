package org.iommu4j.vtd;

import java.util.Map;

/** What a unit's reason codes mean (VT-d, Fault Reason Encodings). */
final class FaultReason {

    private static final Map<Integer, String> WORDS =
            Map.ofEntries(
                    Map.entry(0x1, "the root entry is not present"),
                    Map.entry(0x2, "the context entry is not present"),
                    Map.entry(0x3, "the context entry is invalid"),
                    Map.entry(0x4, "the address is beyond the width"),
                    Map.entry(0x5, "no write permission"),
                    Map.entry(0x6, "no read permission"),
                    Map.entry(0x7, "a page table cannot be read"),
                    Map.entry(0x8, "the root table cannot be read"),
                    Map.entry(0x9, "the context table cannot be read"),
                    Map.entry(0xa, "reserved bits are set in the root entry"),
                    Map.entry(0xb, "reserved bits are set in the context entry"),
                    Map.entry(0xc, "reserved bits are set in a page-table entry"),
                    Map.entry(0xd, "requests of this kind are blocked by the translation type"),
                    Map.entry(0xe, "the output address is in the interrupt range"),
                    Map.entry(0x20, "reserved bits are set in the interrupt request"),
                    Map.entry(0x21, "the interrupt index is beyond the table"),
                    Map.entry(0x22, "the interrupt entry is not present"),
                    Map.entry(0x23, "the interrupt table cannot be read"),
                    Map.entry(0x24, "reserved bits are set in the interrupt entry"),
                    Map.entry(0x25, "interrupts of compatibility format are blocked"),
                    Map.entry(0x26, "the interrupt's source is not the entry's"),
                    Map.entry(0x30, "the root-table address is invalid"),
                    Map.entry(0x31, "a request with a PASID in legacy mode"),
                    Map.entry(0x32, "a page request in legacy mode"),
                    Map.entry(0x38, "the root table cannot be read"),
                    Map.entry(0x39, "the root entry is not present"),
                    Map.entry(0x3a, "reserved bits are set in the root entry"),
                    Map.entry(0x40, "the context table cannot be read"),
                    Map.entry(0x41, "the context entry is not present"),
                    Map.entry(0x42, "reserved bits are set in the context entry"),
                    Map.entry(0x43, "the context entry is invalid"),
                    Map.entry(0x44, "device TLBs are off in the context entry"),
                    Map.entry(0x45, "requests with a PASID are off in the context entry"),
                    Map.entry(0x46, "the PASID is beyond the PASID directory"),
                    Map.entry(0x47, "page requests are off in the context entry"),
                    Map.entry(0x48, "the PASID of requests without one is beyond the directory"),
                    Map.entry(0x50, "the PASID directory cannot be read"),
                    Map.entry(0x51, "the PASID directory entry is not present"),
                    Map.entry(0x52, "reserved bits are set in the PASID directory entry"),
                    Map.entry(0x58, "the PASID table cannot be read"),
                    Map.entry(0x59, "the PASID entry is not present"),
                    Map.entry(0x5a, "reserved bits are set in the PASID entry"),
                    Map.entry(0x5b, "the PASID entry is invalid"),
                    Map.entry(0x5c, "execute requests are off in the PASID entry"),
                    Map.entry(0x5d, "supervisor requests are off in the PASID entry"),
                    Map.entry(0x70, "a first-stage table cannot be read"),
                    Map.entry(0x71, "a first-stage entry is not present"),
                    Map.entry(0x72, "reserved bits are set in a first-stage entry"),
                    Map.entry(0x73, "the first-stage root cannot be read"),
                    Map.entry(0x78, "a second-stage table cannot be read"),
                    Map.entry(0x79, "no second-stage permission"),
                    Map.entry(0x7a, "reserved bits are set in a second-stage entry"),
                    Map.entry(0x7b, "the second-stage root is invalid"),
                    Map.entry(0x7c, "second-stage accessed and dirty bits cannot be written"),
                    Map.entry(0x80, "the address is not canonical"),
                    Map.entry(0x81, "no user privilege"),
                    Map.entry(0x82, "no execute permission"),
                    Map.entry(0x83, "the address is beyond the width of the unit"),
                    Map.entry(0x84, "the address is beyond the width of the tables"),
                    Map.entry(0x85, "no write permission"),
                    Map.entry(0x86, "no read permission"),
                    Map.entry(0x87, "the output address is in the interrupt range"),
                    Map.entry(0x90, "first-stage accessed and dirty bits cannot be written"),
                    Map.entry(0x91, "accessed and dirty bits cannot be written"));

    private static final int FIRST_NESTED = 0x74;
    private static final int LAST_NESTED = 0x77;

    private FaultReason() {}

    /**
     * Says a reason in words.
     *
     * @param code the unit's code
     * @return the words; of a code that is not known, that it is not
     */
    static String inWords(int code) {
        return code >= FIRST_NESTED && code <= LAST_NESTED
                ? "a first-stage table is not accessible through the second stage"
                : WORDS.getOrDefault(code, "a reason this backend does not know");
    }
}
