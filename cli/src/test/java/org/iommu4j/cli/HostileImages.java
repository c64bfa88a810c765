package org.iommu4j.cli;

import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * A process of its own, with little memory, that inspects damaged images: for each seed it prints
 * nothing if that ended in a report or in one line of complaint, and soon.
 */
final class HostileImages {

    /* Of the processor, whatever else it is busy with. */
    private static final long MOST_MILLIS = 20_000;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private HostileImages() {}

    /**
     * Runs.
     *
     * @param arguments a folder with the images, unpacked, to work in; the first seed, and how many
     */
    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Path folder = Path.of(arguments[0]);
        List<MutatedImage> images = new ArrayList<>();
        List<Map<String, String>> truths = new ArrayList<>();
        for (String name : Images.names()) {
            images.add(new MutatedImage(folder.resolve(name + ".raw")));
            truths.add(Images.truth(name));
        }
        long first = Long.parseLong(arguments[1]);
        long end = first + Long.parseLong(arguments[2]);
        int[] exits = new int[3];
        warmUp(folder, exits);
        long slowest = 0;
        Path file = folder.resolve("hostile");
        for (long seed = first; seed < end; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int which = random.nextInt(images.size());
            String done = images.get(which).write(random, file);
            List<String> words = words(random, file, truths.get(which));
            long begin = THREADS.getCurrentThreadCpuTime();
            String problem = problem(words, exits);
            long used = THREADS.getCurrentThreadCpuTime() - begin;
            long millis = TimeUnit.NANOSECONDS.toMillis(used);
            slowest = Math.max(slowest, millis);
            if (!problem.isEmpty() || millis > MOST_MILLIS) {
                out.println("seed " + seed + ", " + done + ", " + words + ", " + millis + " ms");
                out.println("    " + problem);
            }
        }
        out.println(
                "done: "
                        + (end - first)
                        + " images, exit codes 0, 1, 2: "
                        + List.of(exits[0], exits[1], exits[2])
                        + ", the slowest "
                        + slowest
                        + " ms");
    }

    /* What takes time in the first run of a process only is not the images'. */
    private static void warmUp(Path folder, int[] exits) {
        for (String name : Images.names()) {
            String image = folder.resolve(name + ".raw").toString();
            String problem = problem(List.of("inspect", image, "--rtaddr", "auto"), exits);
            if (!problem.isEmpty()) {
                throw new AssertionError(problem);
            }
        }
        exits[0] = 0;
    }

    private static String problem(List<String> words, int[] exits) {
        try {
            CommandRun run = CommandRun.of(words.toArray(String[]::new));
            if (run.exitCode() < 0 || run.exitCode() > 2 || run.err().contains("internal error")) {
                return "exit code " + run.exitCode() + ": " + run.err();
            }
            if (run.exitCode() == 2 ? run.err().lines().count() != 1 : run.out().isEmpty()) {
                return "exit code " + run.exitCode() + ", and it said \"" + run.err() + "\"";
            }
            exits[run.exitCode()]++;
            return "";
        } catch (Throwable e) {
            return e.toString();
        }
    }

    private static List<String> words(
            SplittableRandom random, Path file, Map<String, String> truth) {
        List<String> words = new ArrayList<>(List.of("inspect", file.toString(), "--rtaddr"));
        words.add(random.nextInt(3) == 0 ? "auto" : truth.getOrDefault("rtaddr", "auto"));
        switch (random.nextInt(5)) {
            case 0 -> {
                String device = truth.getOrDefault("devices.0.device", "00:02.0");
                long iova = random.nextLong() >>> 16 + random.nextInt(30);
                words.addAll(List.of("--iova", Long.toHexString(iova), "--source", device));
            }
            case 1 -> words.addAll(List.of("--html", file + ".html"));
            case 2 -> words.add("--summary");
            default -> words.addAll(List.of("--runs", "100000"));
        }
        if (random.nextBoolean()) {
            words.add("--json");
        }
        return words;
    }
}
