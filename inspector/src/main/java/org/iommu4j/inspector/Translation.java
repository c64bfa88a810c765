package org.iommu4j.inspector;

/** How the requests of a device, or of one of its processes, are translated. */
public enum Translation {
    /** By first-stage tables. */
    FIRST_STAGE("fs", "first stage"),
    /** By second-stage tables. */
    SECOND_STAGE("ss", "second stage"),
    /** By first-stage tables whose every address goes through second-stage tables. */
    NESTED("nested", "nested"),
    /** Not at all. */
    PASS_THROUGH("pt", "pass-through");

    private final String code;
    private final String words;

    Translation(String code, String words) {
        this.code = code;
        this.words = words;
    }

    /** {@return the short form for programs: {@code fs}, {@code ss}, {@code nested}, {@code pt}} */
    public String code() {
        return code;
    }

    /** {@return whether the tables that are walked are first-stage ones} */
    boolean isFirstStage() {
        return this == FIRST_STAGE;
    }

    @Override
    public String toString() {
        return words;
    }
}
