package org.iommu4j.stress;

import java.util.List;
import org.openjdk.jcstress.infra.TestInfo;
import org.openjdk.jcstress.infra.runners.TestList;

/** The tests of this module, as jcstress's annotation processor has listed them. */
final class StressTests {

    private static final String PACKAGE = StressTests.class.getPackageName() + '.';

    private StressTests() {}

    /** Their names, sorted: a class, a dot, the number of the rule, and what is tried. */
    static List<String> names() {
        return TestList.tests().stream().map(StressTests::shortName).sorted().toList();
    }

    /** What jcstress knows of a test. */
    static TestInfo info(String name) {
        return TestList.getInfo(longName(name));
    }

    /** The name by which jcstress knows a test. */
    static String longName(String name) {
        return PACKAGE + name;
    }

    /** A name without what all have in common. */
    static String shortName(String longName) {
        return longName.substring(PACKAGE.length());
    }
}
