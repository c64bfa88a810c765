package com.example.riscv;

import org.iommu4j.api.Stage;

/**
 * The name by which a unit knows the translations of one domain: a process soft-context id (PSCID)
 * where its tables are first-stage ones, a guest soft-context id (GSCID) where they are
 * second-stage ones.
 *
 * @param stage first or second
 * @param id 1 to 0xffff; both kinds have as many bits
 */
record SoftContext(Stage stage, int id) {

    /** The largest id. */
    static final int MOST = 0xffff;

    private static final int SECOND_STAGE = 1 << 16;

    /** {@return both in one number, for policies that know domains by numbers} */
    int number() {
        return stage == Stage.SECOND ? id | SECOND_STAGE : id;
    }

    static SoftContext of(int number) {
        return new SoftContext(
                (number & SECOND_STAGE) == 0 ? Stage.FIRST : Stage.SECOND, number & MOST);
    }
}
