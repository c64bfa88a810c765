package org.iommu4j.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ProvidersTest {

    private record Toy(String name, int rank, Map<String, String> parameters) implements Provider {

        Toy(String name, int rank) {
            this(name, rank, Map.of());
        }

        @Override
        public Provider configured(Map<String, String> given) {
            return name.equals("plain")
                    ? Provider.super.configured(given)
                    : new Toy(name, rank, given);
        }
    }

    private static final Toy PLAIN = new Toy("plain", 0);
    private static final Toy BALL = new Toy("ball", 5);
    private static final Toy CAR = new Toy("car", 5);
    private static final List<Toy> FOUND = List.of(PLAIN, CAR, BALL);

    @Test
    void rankDecidesAndThenTheName() {
        assertThat(Providers.sorted(FOUND)).containsExactly(BALL, CAR, PLAIN);
        assertThat(Providers.preferred("toy", FOUND)).isSameAs(BALL);
    }

    @Test
    void aNameChooses() {
        assertThat(choose("plain")).isSameAs(PLAIN);
        assertThat(choose("car:count=256, age=10ms").parameters())
                .containsExactlyInAnyOrderEntriesOf(Map.of("count", "256", "age", "10ms"));
    }

    @Test
    void anUnknownNameListsTheKnownOnes() {
        String origin =
                Toy.class.getModule().isNamed() ? "org.iommu4j.machine" : Toy.class.getName();
        assertThatThrownBy(() -> choose("doll"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("no toy \"doll\"; found: ball (" + origin)
                .hasMessageMatching(".*ball \\(.*\\), car \\(.*\\), plain \\(.*\\)");
        assertThatThrownBy(() -> Providers.choose(Toy.class, "toy", List.of(), "doll"))
                .hasMessage("no toy \"doll\"; found: none");
        assertThatThrownBy(() -> Providers.preferred("toy", List.of()))
                .hasMessage("no toy is on the module path or class path");
    }

    @Test
    void malformedParametersAreRefused() {
        for (String choice :
                List.of(
                        "car:",
                        "car:count",
                        "car:=1",
                        "car:count=",
                        "car:a=1,",
                        "car:a=1,,b=2",
                        "car: =1")) {
            assertThatThrownBy(() -> choose(choice))
                    .as(choice)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "\"" + choice + "\": parameters are written name:key=value,key=value");
        }
        assertThatThrownBy(() -> choose("car:a=1,a=2"))
                .hasMessage("\"car:a=1,a=2\": a is given twice");
        assertThatThrownBy(() -> choose("plain:a=1"))
                .hasMessage("\"plain\" takes no parameters, but was given {a=1}");
    }

    private static Toy choose(String choice) {
        return Providers.choose(Toy.class, "toy", FOUND, choice);
    }
}
