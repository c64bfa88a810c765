package org.iommu4j.inspector;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One HTML file that needs nothing else: style, scripts, libraries with their licences, and data
 * are in it. Every page of the project is written with this, so that all look alike.
 *
 * <p>An object of this class belongs to one thread.
 */
public final class HtmlPage {

    private final String title;
    private final List<String> styles = new ArrayList<>();
    private final List<String> scripts = new ArrayList<>();
    private final Map<String, String> licences = new LinkedHashMap<>();
    private final StringBuilder body = new StringBuilder();

    /**
     * Begins a page in the common style.
     *
     * @param title its title
     */
    public HtmlPage(String title) {
        this.title = title;
        styles.add(PageLibrary.own("page.css"));
    }

    /**
     * Adds a style sheet behind the common one.
     *
     * @param css its text
     * @return this
     */
    public HtmlPage style(String css) {
        styles.add(css);
        return this;
    }

    /**
     * Adds to the body.
     *
     * @param html its text
     * @return this
     */
    public HtmlPage body(String html) {
        body.append(html).append('\n');
        return this;
    }

    /**
     * Adds data for scripts to read.
     *
     * @param id the id of the element that will hold it
     * @param type its media type
     * @param text the data; of JSON every {@code <} is escaped, of other types it may have none
     * @return this
     */
    public HtmlPage data(String id, String type, String text) {
        body.append("<script type=\"")
                .append(type)
                .append("\" id=\"")
                .append(id)
                .append("\">")
                .append(type.endsWith("json") ? text.replace("<", "\\u003c") : text)
                .append("</script>\n");
        return this;
    }

    /**
     * Adds a script, to run when the body is there.
     *
     * @param javaScript its text
     * @return this
     */
    public HtmlPage script(String javaScript) {
        scripts.add(javaScript);
        return this;
    }

    /**
     * Adds a library that is bundled, with its style and licence.
     *
     * @param library its name, as in {@code d3-zoom} or {@code uplot}
     * @return this
     * @throws IllegalArgumentException if there is none of that name
     */
    public HtmlPage library(String library) {
        scripts.add(PageLibrary.script(library));
        PageLibrary.style(library).ifPresent(styles::add);
        licences.merge(
                PageLibrary.licence(library), library, (before, name) -> before + ", " + name);
        return this;
    }

    /**
     * Writes the page.
     *
     * @param out where to
     * @throws IOException if that fails
     */
    public void write(Appendable out) throws IOException {
        out.append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
                .append(
                        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
                .append("<meta name=\"generator\" content=\"iommu4j\">\n")
                // No request for an icon, and none for anything else.
                .append("<link rel=\"icon\" href=\"data:,\">\n<title>")
                .append(escaped(title))
                .append("</title>\n");
        for (String style : styles) {
            out.append("<style>\n").append(style).append("</style>\n");
        }
        out.append("</head>\n<body>\n").append(body);
        out.append("<footer>Written by iommu4j.");
        if (!licences.isEmpty()) {
            out.append("<details><summary>Licences of the libraries in this page</summary>");
            for (Map.Entry<String, String> licence : licences.entrySet()) {
                out.append("<pre>")
                        .append(escaped(licence.getValue() + "\n\n" + licence.getKey()))
                        .append("</pre>");
            }
            out.append("</details>");
        }
        out.append("</footer>\n");
        for (String script : scripts) {
            out.append("<script>\n").append(script).append("\n</script>\n");
        }
        out.append("</body>\n</html>\n");
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
