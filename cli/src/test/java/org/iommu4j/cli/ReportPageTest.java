package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.iommu4j.browser.Browser;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The pages that {@code --report} writes, in a real browser; see {@link Browser#start} for where
 * there is none.
 */
class ReportPageTest {
    private static final Path PICTURES = Path.of("target", "reports");
    private static final double READABLE = 4.5;
    private static final double VISIBLE = 3;

    @TempDir private static Path folder;
    private static Browser browser;
    private static Path one;
    private static Path several;
    private static Path swap;
    private static Path migrate;
    private static Map<String, String> oneJson;
    private static Map<String, String> severalJson;
    private static Map<String, String> swapJson;
    private static Map<String, String> migrateJson;

    @BeforeAll
    static void writeReportsAndStartBrowser() throws IOException {
        browser = Browser.start(folder.resolve("profile"));
        Path trace = trace("iommufd-partial-unmap");
        one = folder.resolve("one.html");
        several = folder.resolve("several.html");
        swap = folder.resolve("swap.html");
        migrate = folder.resolve("migrate.html");
        oneJson = json(one, CommandRun.of(arguments("replay", trace, one)));
        severalJson =
                json(
                        several,
                        CommandRun.of(
                                "replay",
                                trace("vfio-type1-hugepages").toString(),
                                "--flush",
                                "strict,deferred,domain",
                                "--json",
                                "--report",
                                several.toString()));
        swapJson =
                json(
                        swap,
                        CommandRun.of(
                                "swap",
                                "--memory",
                                "64m",
                                "--seconds",
                                "1.2",
                                "--json",
                                "--report",
                                swap.toString()));
        migrateJson =
                json(
                        migrate,
                        CommandRun.of(
                                "migrate",
                                "--memory",
                                "16m",
                                "--seconds",
                                "0.3",
                                "--json",
                                "--report",
                                migrate.toString()));
    }

    @AfterAll
    static void stopBrowser() {
        if (browser != null) {
            browser.close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "one, 1280, false",
        "one, 390, true",
        "several, 1280, true",
        "several, 390, false",
        "swap, 1280, false",
        "swap, 1280, true",
        "swap, 390, false",
        "swap, 390, true",
        "migrate, 1280, true",
        "migrate, 390, false",
    })
    void fitsAnyWindowInBothColourSchemes(String name, int width, boolean dark) throws IOException {
        Path page = folder.resolve(name + ".html");
        browser.looks(width, 900, dark);
        browser.open(page);
        browser.picture(
                PICTURES.resolve(name + "-" + width + (dark ? "-dark" : "-light") + ".png"));
        assertThat(number("document.documentElement.scrollWidth")).isLessThanOrEqualTo(width);
        assertThat(number("report.drawn.length")).isPositive();
        assertThat(
                        number(
                                "Math.max(...report.drawn.map(c => c.box.scrollWidth - c.box.clientWidth))"))
                .as("what sticks out of a chart's card")
                .isLessThanOrEqualTo(2);
        assertThat(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
                .isEqualTo(dark ? "rgb(16, 21, 28)" : "rgb(246, 247, 249)");
        assertThat(number(LEAST_CONTRAST)).isGreaterThan(READABLE);
        assertThat(number(LEAST_SERIES_CONTRAST)).isGreaterThan(VISIBLE);
        assertThat(browser.complaints()).isEmpty();
        assertThat(Set.copyOf(browser.requests()))
                .allMatch(url -> url.equals(page.toUri().toString()) || url.startsWith("data:"));
    }

    @Test
    void chartsOfAReplayShowItsFigures() {
        open(one);
        for (String size : Set.of("4k", "2m", "1g")) {
            assertThat(number(series("Live leaves by size", size) + ".at(-1)"))
                    .as("leaves of %s", size)
                    .isEqualTo(figure(oneJson, "live.leaves." + size));
        }
        assertThat(number(series("Table pages", "strict") + ".at(-1)"))
                .isEqualTo(figure(oneJson, "tables.pages"));
        assertThat(total("Splits", "strict")).isCloseTo(figure(oneJson, "splits"), within(1e-3));
        assertThat(total("Invalidations", "of pages"))
                .isCloseTo(figure(oneJson, "invalidations.page"), within(1e-3));
        assertThat(total("Over-unmap avoided", "strict"))
                .isCloseTo(figure(oneJson, "overUnmapAvoidedBytes"), within(1.0));
        assertThat(total("Events", "maps") + total("Events", "unmaps"))
                .isCloseTo(
                        figure(oneJson, "events.map")
                                + figure(oneJson, "events.unmap")
                                - figure(oneJson, "events.failed"),
                        within(1e-3));
        assertThat(text("#figures")).contains("over-unmap avoided").contains("1\u202fGiB");
        assertThat(text("#verdicts")).contains("agreed with the kernel's view");
    }

    @Test
    void policiesStandSideBySide() {
        open(several);
        for (int i = 0; i < 3; i++) {
            String run = "replays." + i + ".";
            String policy = severalJson.getOrDefault(run + "flush", "");
            double sent =
                    figure(severalJson, run + "invalidations.page")
                            + figure(severalJson, run + "invalidations.domain")
                            + figure(severalJson, run + "invalidations.global");
            assertThat(total("Invalidations", policy))
                    .as(policy)
                    .isCloseTo(sent, within(1e-3 * sent));
            assertThat(number(series("Time of each map", policy) + ".at(-1)")).isPositive();
        }
        assertThat(text("#figures thead"))
                .contains("strict")
                .contains("deferred")
                .contains("domain");
        assertThat(
                        number(
                                "report.drawn.filter(c => c.chart.title.startsWith('Live leaves')).length"))
                .as("leaves are the same under every policy, and shown once")
                .isEqualTo(1);
    }

    @Test
    void chartsOfASwapShowItsFigures() {
        open(swap);
        for (int i = 0; i < 2; i++) {
            String run = "strategies." + i + ".";
            String name = swapJson.getOrDefault(run + "name", "");
            double splits = figure(swapJson, run + "splits");
            assertThat(splits == 0 ? 0 : total("Splits", name)).isCloseTo(splits, within(1e-2));
            assertThat(total("Pages swapped", name))
                    .isCloseTo(figure(swapJson, run + "swaps"), within(1e-2));
            // The JSON counts the reads that check all at the end too.
            assertThat(total("DMAs", name)).isBetween(1.0, figure(swapJson, run + "dmas"));
            String tables = "Table pages before, at worst and after";
            assertThat(number(series(tables, name) + "[1]"))
                    .isEqualTo(figure(swapJson, run + "tables.worst.tablePages"));
            assertThat(number(series("Time of a DMA", name) + "[2]"))
                    .isEqualTo(figure(swapJson, run + "latencyNanos.p99"));
        }
    }

    @Test
    void chartsOfAMigrationShowItsRounds() {
        open(migrate);
        for (int i = 0; i < 2; i++) {
            String run = "runs." + i + ".";
            String name = i == 0 ? "4k" : "2m";
            String copied =
                    series("Copied in each round", name) + ".reduce((a, b) => a + (b ?? 0), 0)";
            assertThat(number(copied)).isEqualTo(figure(migrateJson, run + "bytesCopied"));
        }
    }

    @Test
    void aBarTellsItsCount() throws IOException {
        open(one);
        try (InputStream trace = Traces.real("iommufd-partial-unmap.txt.xz");
                TraceReader reader = new TraceReader(TraceInput.open(trace))) {
            long small =
                    Traces.events(reader).stream()
                            .filter(event -> event.kind == TraceEvent.Kind.MAP)
                            .filter(event -> event.size >= 4096 && event.size < 8192)
                            .count();
            assertThat(small).isPositive();
            String chart = chart("Sizes of maps and unmaps");
            browser.evaluate(chart + ".plot.scrollIntoView({block: 'center'})");
            String over = chart + ".u.over.getBoundingClientRect()";
            double x = number(over + ".left") + number(chart + ".u.valToPos(0, 'x')");
            double y = number(over + ".top") + number(over + ".height") / 2;
            browser.mouse("mouseMoved", x, y, 0);
            assertThat(browser.evaluate(chart + ".tip.innerText"))
                    .contains("4 KiB")
                    .containsPattern("maps\\s+" + small + "\\s");
            assertThat(number(chart + ".tip.getBoundingClientRect().left"))
                    .as("beside the bar")
                    .isBetween(x, x + 60);
            browser.mouse("mouseMoved", x, number(over + ".bottom") + 120, 0);
            assertThat(browser.evaluate("String(" + chart + ".tip.hidden)")).isEqualTo("true");
        }
    }

    @Test
    void everythingCanBeDoneByKeyboard() {
        open(several);
        String chart = chart("Live leaves by size");
        browser.evaluate(chart + ".plot.focus()");
        browser.press("End");
        String last = severalJson.getOrDefault("replays.0.live.leaves.4k", "").replace(",", "");
        assertThat(said(chart)).contains("4k " + grouped(last)).contains("2m ");
        browser.press("ArrowLeft");
        browser.press("ArrowRight");
        assertThat(browser.evaluate(chart + ".tip.innerText"))
                .containsPattern("4k\\s+" + grouped(last) + "\\s");
        double all = number(span(chart));
        browser.press("+");
        assertThat(number(span(chart))).isCloseTo(all / 2, within(all / 100));
        assertThat(number(span(chart("Invalidations"))))
                .as("charts over time zoom together")
                .isCloseTo(all / 2, within(all / 100));
        browser.press("Home");
        assertThat(said(chart)).startsWith("0\u202fs: ");
        assertThat(number(chart + ".u.scales.x.min")).isLessThanOrEqualTo(0);
        browser.press("0");
        assertThat(number(span(chart))).isEqualTo(all);
        browser.press("Escape");
        assertThat(browser.evaluate("String(" + chart + ".tip.hidden)")).isEqualTo("true");
        browser.evaluate(chart + ".box.querySelector('.legend button').focus()");
        browser.press(" ");
        assertThat(browser.evaluate("document.activeElement.getAttribute('aria-pressed')"))
                .isEqualTo("false");
        assertThat(browser.evaluate("String(" + chart + ".u.series[1].show)")).isEqualTo("false");
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void behindEachChartIsATableOfItsData() {
        open(swap);
        String chart = chart("Table pages");
        browser.evaluate(chart + ".box.querySelector('details').open = true");
        assertThat(number(rows(chart) + ".length")).isEqualTo(number(chart + ".u.data[0].length"));
        assertThat(browser.evaluate(rows(chart) + "[0].innerText"))
                .startsWith("0\u202fs\t")
                .contains(swapJson.getOrDefault("strategies.0.tables.before.tablePages", "?"));
        assertThat(browser.evaluate("chartText(" + chart + ".chart).split('\\n')[0]"))
                .startsWith("time, s\thitless, pages of 4 KiB (count)\tunmap-map");
    }

    @Test
    void onPaperItIsLight() throws IOException {
        browser.looks(1280, 900, true);
        browser.open(several);
        browser.prints(true);
        browser.evaluate("new Promise(done => requestAnimationFrame(() => done('')))");
        browser.picture(PICTURES.resolve("several-print.png"));
        assertThat(browser.evaluate("getComputedStyle(document.body).color"))
                .isEqualTo("rgb(22, 32, 44)");
        assertThat(browser.evaluate("report.drawn[0].u.series[1].stroke()")).isEqualTo("#2f7ed8");
        assertThat(browser.evaluate("getComputedStyle(document.querySelector('.keys')).display"))
                .isEqualTo("none");
        browser.prints(false);
    }

    @Test
    void whatRanIsSaid() {
        open(swap);
        assertThat(text("#facts"))
                .contains("iommu4j swap --memory 64m --seconds 1.2 --json --report")
                .contains("Java " + Runtime.version())
                .contains("seed")
                .contains("emulator, driven by vtd");
        open(several);
        assertThat(text("#facts"))
                .contains("vfio-type1-hugepages.txt.xz, 59,600 lines")
                .contains("strict, deferred, domain");
    }

    @Test
    void aTraceWithoutTimeOrWithoutSecondsIsShownOverItsEvents() throws IOException {
        Path trace = folder.resolve("counter.txt");
        StringBuilder text = new StringBuilder();
        for (long i = 1; i <= 3000; i++) {
            String mapped = Traces.map("a-1", i << 12, 0x80000000L, 4096);
            text.append(mapped.replace("1.500000", Long.toString(1000 + i)));
        }
        Files.writeString(trace, text);
        Path page = folder.resolve("counter.html");
        json(page, CommandRun.of(arguments("replay", trace, page)));
        open(page);
        String chart = chart("Live leaves by size");
        assertThat(browser.evaluate(chart + ".chart.x.name"))
                .isEqualTo("events of the trace, thousands");
        assertThat(number(chart + ".u.data[0].at(-1)")).isEqualTo(3);
        assertThat(total("Events", "maps")).isCloseTo(3000, within(1e-3));
        assertThat(browser.complaints()).isEmpty();
    }

    private static final String CONTRAST =
            """
            const part = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
            const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
            const rgb = (text) => { context.clearRect(0, 0, 1, 1); context.fillStyle = text;
                context.fillRect(0, 0, 1, 1); return [...context.getImageData(0, 0, 1, 1).data]; };
            const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
            const ratio = (a, b) => { const [x, y] = [light(rgb(a)), light(rgb(b))];
                return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
            const ground = (e) => { const c = getComputedStyle(e).backgroundColor;
                return rgb(c)[3] === 255 || !e.parentElement ? c : ground(e.parentElement); };
            """;

    /** Of all that is written, of the text that is hardest to read. */
    private static final String LEAST_CONTRAST =
            "(() => {"
                    + CONTRAST
                    + """
                    return Math.min(...[...document.querySelectorAll('body *')]
                        .filter((e) => !e.closest('script, .u-over') && e.checkVisibility()
                            && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
                        .map((e) => ratio(getComputedStyle(e).color, ground(e))));
                    })()\
                    """;

    /** Of all lines and bars, of the one that is hardest to see. */
    private static final String LEAST_SERIES_CONTRAST =
            "(() => {"
                    + CONTRAST
                    + """
                    return Math.min(...report.drawn.flatMap((c) => c.u.series.slice(1).map((s) =>
                        ratio(typeof s.stroke === 'function' ? s.stroke() : s.stroke, ground(c.box)))));
                    })()\
                    """;

    private static String[] arguments(String command, Path trace, Path page) {
        return new String[] {command, trace.toString(), "--json", "--report", page.toString()};
    }

    private static Map<String, String> json(Path page, CommandRun run) {
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).isEqualTo("report: " + page + "\n");
        return run.json();
    }

    private static Path trace(String name) throws IOException {
        Path file = folder.resolve(name + ".txt.xz");
        try (InputStream in = Traces.real(name + ".txt.xz")) {
            Files.write(file, in.readAllBytes());
        }
        return file;
    }

    private static void open(Path page) {
        browser.looks(1280, 900, false);
        browser.open(page);
    }

    private static double figure(Map<String, String> json, String key) {
        return Double.parseDouble(json.getOrDefault(key, "none: " + key));
    }

    private static String chart(String title) {
        return "report.drawn.find(c => c.chart.title === '" + title + "')";
    }

    /** The values that are drawn. */
    private static String series(String title, String name) {
        return "((c) => c.u.data[1 + c.chart.series.findIndex(s => s.name === '"
                + name
                + "')])("
                + chart(title)
                + ")";
    }

    /** What the steps of a chart of rates add up to. */
    private static double total(String title, String name) {
        return number(
                "((x, y) => { let sum = 0, last = x[0]; x.forEach((place, i) => {"
                        + " if (i && y[i] !== null) { sum += y[i] * (place - last); last = place; } });"
                        + " return sum; })("
                        + chart(title)
                        + ".u.data[0], "
                        + series(title, name)
                        + ")");
    }

    private static String span(String chart) {
        return "(({min, max}) => max - min)(" + chart + ".u.scales.x)";
    }

    private static String said(String chart) {
        return browser.evaluate(chart + ".said.textContent");
    }

    private static String rows(String chart) {
        return chart + ".box.querySelectorAll('details tbody tr')";
    }

    private static String grouped(String number) {
        return number.replaceAll("\\B(?=(\\d{3})+$)", "\u202f");
    }

    private static String text(String selector) {
        return browser.evaluate("document.querySelector('" + selector + "').innerText");
    }

    private static double number(String expression) {
        return Double.parseDouble(browser.evaluate("String(" + expression + ")"));
    }
}
