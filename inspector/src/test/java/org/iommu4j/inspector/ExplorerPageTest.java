package org.iommu4j.inspector;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.browser.Browser;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The explorer in a real browser; see {@link Browser#start} for where there is none. */
class ExplorerPageTest {
    private static final PageTableFormat FORMAT = VtdTables.format(Translation.SECOND_STAGE, 4);
    private static final long OUTPUT = 0x1_0000_0000L;
    private static final Path PICTURES = Path.of("target", "explorer");

    @TempDir private static Path folder;
    private static Browser browser;

    @BeforeAll
    static void startBrowser() throws IOException {
        browser = Browser.start(folder.resolve("profile"));
    }

    @AfterAll
    static void stopBrowser() {
        if (browser != null) {
            browser.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"1280,false", "1280,true", "390,false", "390,true"})
    void fitsAnyWindowInBothColourSchemes(int width, boolean dark) throws IOException {
        Path page = splitPage();
        browser.looks(width, 900, dark);
        browser.open(page);
        search("0x40200abc", "iova");
        browser.picture(PICTURES.resolve("split-" + width + (dark ? "-dark" : "-light") + ".png"));
        assertThat(number("document.documentElement.scrollWidth")).isLessThanOrEqualTo(width);
        assertThat(number("document.querySelector('#map').getBoundingClientRect().width"))
                .isBetween(width * 0.7, (double) width);
        assertThat(background()).isEqualTo(dark ? "rgb(16, 21, 28)" : "rgb(246, 247, 249)");
        assertSound(page);
    }

    @Test
    void aSearchFindsTheLeafThatTranslatesTheAddress() throws IOException {
        openAt1280(splitPage());
        search("0x40200abc", "iova");
        assertThat(text("#answer")).contains("0x40200abc → 0x100200abc, read-write");
        assertThat(text("#entry"))
                .contains("Leaf of 2 MiB")
                .contains("0x40200000 – 0x403fffff")
                .contains("0x100200000 – 0x1003fffff");
        assertThat(text("#tree [aria-selected=true]")).contains("2 MiB · 0x40200000");
        search("0x40001000", "iova");
        assertThat(text("#answer")).contains("after").contains("0x40001000 → 0x100001000");
        search("0x7fff00000000", "iova");
        assertThat(text("#answer")).contains("0x7fff00000000 is not mapped");
        search("somewhere", "iova");
        assertThat(text("#answer")).contains("hex is needed");
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void aSearchForAPhysicalAddressFindsEveryLeafThatReachesIt() throws IOException {
        openAt1280(splitPage());
        search("0x100400123", "physical");
        assertThat(text("#answer")).contains("0x100400123 ← 0x7000123").contains("1 of 2");
        browser.evaluate("document.querySelector('#find').requestSubmit()");
        assertThat(text("#answer")).contains("← 0x40400123").contains("2 of 2");
        search("0x900000000", "physical");
        assertThat(text("#answer")).contains("Nothing translates to");
    }

    @Test
    void aSplitIsVisible() throws IOException {
        openAt1280(splitPage());
        assertThat(text("#tiles"))
                .contains("1 → 512")
                .contains("leaves of 4 KiB")
                .contains("0 → 511")
                .contains("1 → 0");
        assertThat(text("#changes"))
                .contains("0x40003000 – 0x40003fff, 4 KiB: unmapped")
                .contains("0x40000000 – 0x40002fff, 12 KiB: split into smaller pages")
                .contains("0x40004000 – 0x7fffffff");
        browser.evaluate("document.querySelector('#changes button').click()");
        assertThat(text("#entry")).contains("Leaf of 4 KiB");
    }

    @Test
    void zoomingWorksByButtonWheelAndKey() throws IOException {
        openAt1280(splitPage());
        assertThat(scale()).isEqualTo(1);
        browser.evaluate("document.querySelector('#zoom-in').click()");
        double byButton = scale();
        assertThat(byButton).isGreaterThan(1);
        double x = number("document.querySelector('#map').getBoundingClientRect().left") + 500;
        double y = number("document.querySelector('#map').getBoundingClientRect().top") + 60;
        browser.mouse("mouseWheel", x, y, -300);
        double byWheel = scale();
        assertThat(byWheel).isGreaterThan(byButton);
        browser.evaluate("document.querySelector('#map').focus()");
        browser.press("+");
        assertThat(scale()).isGreaterThan(byWheel);
        browser.press("0");
        assertThat(scale()).isEqualTo(1);
    }

    @Test
    void pointingAndClickingSelectALeaf() throws IOException {
        openAt1280(splitPage());
        String box = "document.querySelector('#map').getBoundingClientRect()";
        browser.evaluate("document.querySelector('#map').scrollIntoView()");
        double x = number(box + ".left") + number("explorer.map.xOfPage(0x40400)") + 1;
        double y = number(box + ".top") + number("explorer.map.rowTop(1, 1)") + 5;
        browser.mouse("mouseMoved", x, y, 0);
        assertThat(text("#entry")).contains("2 MiB");
        browser.mouse("mousePressed", x, y, 0);
        browser.mouse("mouseReleased", x, y, 0);
        assertThat(browser.evaluate("String(explorer.selected.level)")).isEqualTo("1");
    }

    @Test
    void everythingCanBeReachedByKeyboard() throws IOException {
        openAt1280(splitPage());
        browser.evaluate("document.querySelector('#map').focus()");
        browser.press("ArrowRight");
        assertThat(text("#entry")).contains("Leaf of 2 MiB").contains("0x7000000");
        browser.press("ArrowRight");
        assertThat(text("#entry")).contains("Leaf of 4 KiB").contains("0x40000000");
        browser.press("ArrowUp");
        assertThat(text("#entry")).contains("Table, level 0");
        browser.press("ArrowDown");
        assertThat(text("#entry")).contains("Leaf of 4 KiB");
        browser.press("Enter");
        assertThat(scale()).isGreaterThan(1000);
        browser.evaluate("document.querySelector('#tree [role=treeitem]').focus()");
        browser.press("ArrowDown");
        browser.press("ArrowRight");
        assertThat(browser.evaluate("document.activeElement.getAttribute('aria-expanded')"))
                .isEqualTo("true");
        browser.press("ArrowLeft");
        assertThat(browser.evaluate("document.activeElement.getAttribute('aria-expanded')"))
                .isEqualTo("false");
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void coloursFollowWhatIsChosen() throws IOException {
        openAt1280(splitPage());
        for (String colour : List.of("size", "rights", "dirty", "change")) {
            browser.evaluate(
                    "{ const c = document.querySelector('#colour'); c.value = '"
                            + colour
                            + "'; c.dispatchEvent(new Event('change')); }");
            assertThat(text("#legend")).contains("table");
        }
        assertThat(text("#legend")).contains("split into smaller pages").contains("unmapped");
    }

    @Test
    void aMillionScatteredLeavesAreDrawnAtOnce() throws IOException {
        int leaves = 1_000_000;
        ExplorerPage explorer = new ExplorerPage("a million leaves", "no two of them neighbours");
        explorer.state("now")
                .add("scattered", FORMAT, Translation.SECOND_STAGE, to -> scatter(to, leaves));
        Path page = written(explorer, "million.html");
        assertThat(Files.size(page)).isLessThan(12 << 20);
        openAt1280(page);
        assertThat(text("#tiles")).contains("1,000,000");
        search("0x" + Long.toHexString(777_777L * 0x3000), "iova");
        assertThat(text("#answer")).contains("→ 0x" + Long.toHexString(output(777_777)) + ",");
        double milliseconds =
                number(
                        "(() => { explorer.map.fit(); const start = performance.now();"
                                + " explorer.map.draw(); return performance.now() - start; })()");
        assertThat(milliseconds).isLessThan(1500);
        browser.picture(PICTURES.resolve("million.png"));
        assertThat(browser.complaints()).isEmpty();
    }

    /** A domain of 1 GiB and 4 MiB elsewhere, before and after 4 KiB was taken out of the first. */
    private static Path splitPage() throws IOException {
        ExplorerPage explorer =
                new ExplorerPage("A hitless split", "4 KiB unmapped out of a leaf of 1 GiB");
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.memoryOnly(64 << 20));
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            domain.map(0x4000_0000L, OUTPUT, 1L << 30, Access.READ_WRITE);
            domain.map(0x700_0000L, OUTPUT + 0x40_0000, 2 << 20, Access.READ);
            explorer.state("before").add("vm", domain, FORMAT);
            domain.unmap(0x4000_3000L, 0x1000);
            explorer.state("after").add("vm", domain, FORMAT);
        }
        return written(explorer, "split.html");
    }

    private static Path written(ExplorerPage explorer, String name) throws IOException {
        Path page = folder.resolve(name);
        try (Writer out = Files.newBufferedWriter(page)) {
            explorer.write(out);
        }
        return page;
    }

    private static void scatter(TableVisitor to, int leaves) {
        to.table(0x1000, 3, 0, 0);
        to.table(0x2000, 2, 0, 0x2003);
        for (long i = 0, first = -1, second = -1; i < leaves; i++) {
            long iova = i * 0x3000;
            if (iova >>> 30 != second) {
                second = iova >>> 30;
                long address = 0x10_0000 + (second << 12);
                to.table(address, 1, second << 30, address | 3);
            }
            if (iova >>> 21 != first) {
                first = iova >>> 21;
                long address = 0x100_0000 + (first << 12);
                to.table(address, 0, first << 21, address | 3);
            }
            to.leaf(iova, output(i), 0, output(i) | 3, 3);
        }
    }

    private static long output(long leaf) {
        return (leaf * 0x9e3779b1L & 0xfffffff) << 12;
    }

    private static void openAt1280(Path page) {
        browser.looks(1280, 900, false);
        browser.open(page);
    }

    private static void search(String address, String kind) {
        browser.evaluate(
                "document.querySelector('#search').value = '"
                        + address
                        + "'; document.querySelector('#kind').value = '"
                        + kind
                        + "'; document.querySelector('#find').requestSubmit();");
    }

    private static void assertSound(Path page) {
        assertThat(browser.complaints()).isEmpty();
        assertThat(browser.requests())
                .allSatisfy(request ->
                        assertThat(request)
                                .matches(url ->
                                        url.equals(page.toUri().toString())
                                                || url.startsWith("data:")));
    }

    private static String background() {
        return browser.evaluate("getComputedStyle(document.body).backgroundColor");
    }

    private static double scale() {
        return number("explorer.map.transform.k");
    }

    private static String text(String selector) {
        return browser.evaluate("document.querySelector('" + selector + "').innerText");
    }

    private static double number(String expression) {
        return Double.parseDouble(browser.evaluate("String(" + expression + ")"));
    }
}
