package org.iommu4j.cli;

/**
 * What stands before an event's name: the task, perhaps the CPU and flags, the time. The name of a
 * task may hold anything, spaces, dashes, colons and brackets among it, so this looks for the first
 * number in square brackets, the CPU, and from there for the colon that ends the time. A line
 * without a CPU ({@code perf script} of one process) is searched for the time from its start.
 */
final class EventPrefix {
    private static final long NO_TASK = -1;
    private static final int LONGEST_CPU = 8;

    private long task;

    /**
     * Finds where the event's name begins.
     *
     * @param bytes holds the line, which ends with a line feed
     * @param start where the line begins
     * @param end where its line feed stands
     * @return the index of the name's first character, or -1 if this is no line of an event
     */
    int read(byte[] bytes, int start, int end) {
        int bracket = cpu(bytes, start, end);
        if (bracket < 0) {
            return withoutCpu(bytes, start, end);
        }
        int closing = bracket + 1;
        int cpu = 0;
        while (bytes[closing] != ']') {
            cpu = cpu * 10 + bytes[closing++] - '0';
        }
        task = taskBefore(bytes, start, bracket);
        if (task <= 0) {
            task = -2L - cpu;
        }
        return afterTime(bytes, closing + 1, end);
    }

    /**
     * The thread that logged the event last found: its id, or a negative value of its own for each
     * CPU's idle thread.
     */
    long task() {
        return task;
    }

    private int withoutCpu(byte[] bytes, int start, int end) {
        int name = afterTime(bytes, start, end);
        if (name < 0) {
            return -1;
        }
        int time = name;
        while (time > start && (bytes[time - 1] == ' ' || bytes[time - 1] == ':')) {
            time--;
        }
        while (time > start && (isDigit(bytes[time - 1]) || bytes[time - 1] == '.')) {
            time--;
        }
        task = taskBefore(bytes, start, time);
        return name;
    }

    /** Index of the first "[digits]" in the line, or -1. */
    private static int cpu(byte[] bytes, int start, int end) {
        int bracket = Bytes.indexOf(bytes, start, end, '[');
        while (bracket >= 0) {
            int digit = bracket + 1;
            while (isDigit(bytes[digit])) {
                digit++;
            }
            if (bytes[digit] == ']' && digit > bracket + 1 && digit < bracket + LONGEST_CPU) {
                return bracket;
            }
            bracket = Bytes.indexOf(bytes, bracket + 1, end, '[');
        }
        return -1;
    }

    /** Index behind the first "digit, colon, spaces" from here, or -1. */
    private static int afterTime(byte[] bytes, int from, int end) {
        int colon = Bytes.indexOf(bytes, from, end, ':');
        while (colon >= 0) {
            if (colon > from && isDigit(bytes[colon - 1]) && bytes[colon + 1] == ' ') {
                int name = colon + 1;
                while (bytes[name] == ' ') {
                    name++;
                }
                return name;
            }
            colon = Bytes.indexOf(bytes, colon + 1, end, ':');
        }
        return -1;
    }

    /**
     * The number that ends at this index, spaces and a thread group in parentheses between them
     * allowed.
     */
    private static long taskBefore(byte[] bytes, int start, int end) {
        int i = skipSpacesBack(bytes, start, end);
        if (i > start && bytes[i - 1] == ')') {
            while (i > start && bytes[i - 1] != '(') {
                i--;
            }
            i = skipSpacesBack(bytes, start, i - 1);
        }
        long task = 0;
        long weight = 1;
        int last = i;
        while (i > start && isDigit(bytes[i - 1]) && last - i < 10) {
            task += weight * (bytes[--i] - '0');
            weight *= 10;
        }
        return i == last ? NO_TASK : task;
    }

    private static int skipSpacesBack(byte[] bytes, int start, int end) {
        int i = end;
        while (i > start && bytes[i - 1] == ' ') {
            i--;
        }
        return i;
    }

    private static boolean isDigit(byte character) {
        return character >= '0' && character <= '9';
    }
}
