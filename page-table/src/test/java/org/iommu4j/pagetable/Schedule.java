package org.iommu4j.pagetable;

import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * In which order threads made their steps, so short that it can be printed and replayed: {@code
 * a12b7a3} is twelve steps of the first thread, seven of the second, three of the first.
 */
final class Schedule {

    private static final Pattern RUN = Pattern.compile("([a-z])([0-9]+)");

    private int[] choices = new int[256];
    private int size;

    static Schedule parse(String text) {
        Schedule schedule = new Schedule();
        Matcher run = RUN.matcher(text);
        while (run.find()) {
            for (int i = Integer.parseInt(run.group(2)); i > 0; i--) {
                schedule.add(run.group(1).charAt(0) - 'a');
            }
        }
        return schedule;
    }

    int size() {
        return size;
    }

    int get(int index) {
        return choices[index];
    }

    void set(int index, int thread) {
        choices[index] = thread;
    }

    void add(int thread) {
        if (size == choices.length) {
            choices = Arrays.copyOf(choices, 2 * size);
        }
        choices[size++] = thread;
    }

    /** Forgets all but the first steps. */
    void cut(int length) {
        size = length;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < size; ) {
            int run = i;
            while (run < size && choices[run] == choices[i]) {
                run++;
            }
            text.append((char) ('a' + choices[i])).append(run - i);
            i = run;
        }
        return text.toString();
    }
}
