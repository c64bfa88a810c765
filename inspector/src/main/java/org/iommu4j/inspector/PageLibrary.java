package org.iommu4j.inspector;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The files that pages are made of: this module's own, and the JavaScript libraries that the build
 * takes from their web jars.
 */
final class PageLibrary {
    private PageLibrary() {}

    static String own(String file) {
        return read("page/" + file);
    }

    static String script(String library) {
        return read("page/libraries/" + library + "/" + library + ".min.js");
    }

    /** The style sheet that comes with a library; most have none. */
    static Optional<String> style(String library) {
        String name = "page/libraries/" + library + "/" + library + ".min.css";
        return PageLibrary.class.getResource(name) == null
                ? Optional.empty()
                : Optional.of(read(name));
    }

    static String licence(String library) {
        return read("page/libraries/" + library + "/LICENSE");
    }

    private static String read(String name) {
        try (InputStream in = PageLibrary.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalArgumentException("this module holds no " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + name + " of this module", e);
        }
    }
}
