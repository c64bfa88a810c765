package org.iommu4j.cli.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TimelineTest {
    private static final double TICKS = 1000;

    @ParameterizedTest
    @ValueSource(longs = {1, 7, 100, 511, 512, 513, 5000, 10_000_000})
    void howeverLongItIsItHasAFewHundredEvenlySpacedSamples(long length) {
        Timeline timeline = new Timeline(new long[] {0}, 10);
        for (long time = 1; time <= length; time++) {
            if (timeline.isDue(time)) {
                timeline.hold(time, new long[] {time});
            }
        }
        timeline.hold(length, new long[] {length});
        timeline.end();
        double[] times = timeline.times(1);
        assertThat(times).hasSizeBetween(2, 513).startsWith(0);
        assertThat(times[times.length - 1]).isEqualTo((double) length);
        double space = times[1];
        for (int i = 1; i < times.length - 1; i++) {
            assertThat(times[i]).isEqualTo(i * space);
        }
        assertThat(times.length > 250 || space == 10 || times.length == 2).isTrue();
    }

    @Test
    void theLevelAtASampleIsTheOneThatWasThereThen() {
        Timeline timeline = new Timeline(new long[] {0}, 10);
        timeline.hold(25, new long[] {0}); // 0 until 25
        timeline.hold(31, new long[] {7}); // then 7
        timeline.hold(100, new long[] {9});
        timeline.end();
        assertThat(timeline.times(1)).containsExactly(0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100);
        assertThat(timeline.levels(0)).containsExactly(0, 0, 0, 7, 9, 9, 9, 9, 9, 9, 9);
    }

    @Test
    void whatGrowsEvenlyIsSampledOnItsWay() {
        Timeline timeline = new Timeline(new long[] {0, 100}, 10);
        timeline.reach(25, new long[] {50, 100});
        timeline.reach(40, new long[] {50, 70});
        timeline.end();
        assertThat(timeline.levels(0)).containsExactly(0, 20, 40, 50, 50);
        assertThat(timeline.levels(1)).containsExactly(100, 100, 100, 90, 70);
    }

    @Test
    void ratesOverTheirTimesAddUpToAllThatHappened() {
        Timeline timeline = new Timeline(new long[] {3}, 10);
        long value = 3;
        for (long time = 1; time <= 20_003; time++) {
            value += time % 7;
            timeline.hold(time, new long[] {value});
        }
        timeline.end();
        double[] times = timeline.times(TICKS);
        double[] rates = timeline.rates(0, TICKS);
        double sum = 0;
        for (int i = 1; i < times.length; i++) {
            sum += rates[i] * (times[i] - times[i - 1]);
        }
        assertThat(rates[0]).isNaN();
        assertThat(sum).isCloseTo((double) (value - 3), within(1e-6));
    }

    @Test
    void whatTookNoTimeHasOneSample() {
        Timeline timeline = new Timeline(new long[] {1}, 10);
        timeline.hold(0, new long[] {5});
        timeline.end();
        assertThat(timeline.times(1)).containsExactly(0);
    }

    @Test
    void aLastStepTooShortForARateIsPartOfTheOneBefore() {
        Timeline timeline = new Timeline(new long[] {0}, 10);
        timeline.hold(31, new long[] {9});
        timeline.end();
        assertThat(timeline.times(1)).containsExactly(0, 10, 20, 31);
    }
}
