package org.iommu4j.browser;

import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A real Chromium without a window, driven over a pipe by its DevTools protocol. What goes wrong in
 * a page, and what it asks the network for, is kept.
 */
public final class Browser implements AutoCloseable {
    private static final List<String> NAMES =
            List.of(
                    "chromium",
                    "chromium-browser",
                    "google-chrome",
                    "google-chrome-stable",
                    "chrome",
                    "chrome-headless-shell");
    private static final long PATIENCE_SECONDS = 60;

    private final Process process;
    private final OutputStream commands;
    private final BlockingQueue<Map<String, String>> answers = new LinkedBlockingQueue<>();
    private final List<String> complaints = Collections.synchronizedList(new ArrayList<>());
    private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
    private String session = "";
    private int lastId;

    private Browser(Process process) {
        this.process = process;
        this.commands = process.getOutputStream();
        Thread.ofVirtual().start(this::listen);
    }

    /** The one that IOMMU4J_CHROMIUM names, or else the first found on the path. */
    private static Optional<Path> installed() {
        String named = System.getenv("IOMMU4J_CHROMIUM");
        if (named != null) {
            return Optional.of(Path.of(named));
        }
        return NAMES.stream()
                .flatMap(name ->
                        Stream.of(System.getenv("PATH").split(File.pathSeparator))
                                .map(folder -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /**
     * Starts the browser that is installed. Where there is none, the tests that ask for it say so
     * and are counted as skipped; with IOMMU4J_BROWSER=required, as in {@code .ci/run}, they fail
     * instead.
     *
     * @param profile an empty folder
     */
    public static Browser start(Path profile) throws IOException {
        if (installed().isEmpty()) {
            String advice =
                    "no Chromium found, so the pages are not tested; apt-get install chromium, or"
                            + " name one by IOMMU4J_CHROMIUM";
            if ("required".equals(System.getenv("IOMMU4J_BROWSER"))) {
                throw new AssertionError(advice);
            }
            System.err.println(advice);
            abort(advice);
        }
        return start(installed().orElseThrow(), profile);
    }

    private static Browser start(Path executable, Path profile) throws IOException {
        // The protocol is spoken on file descriptors 3 and 4, which are this process's pipes.
        Process process =
                new ProcessBuilder(
                                "sh",
                                "-c",
                                "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null",
                                executable.toString(),
                                "--headless=new",
                                "--no-sandbox",
                                "--disable-gpu",
                                "--disable-dev-shm-usage",
                                "--no-first-run",
                                "--remote-debugging-pipe",
                                "--user-data-dir=" + profile)
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        Browser browser = new Browser(process);
        String target =
                browser.call("Target.createTarget", "{\"url\":\"about:blank\"}")
                        .get("result.targetId");
        browser.session =
                browser.call(
                                "Target.attachToTarget",
                                "{\"targetId\":\"" + target + "\",\"flatten\":true}")
                        .get("result.sessionId");
        for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
            browser.call(domain + ".enable", "{}");
        }
        return browser;
    }

    /** How large the window is, in CSS pixels, and which colours the user prefers. */
    public void looks(int width, int height, boolean dark) {
        call(
                "Emulation.setDeviceMetricsOverride",
                "{\"width\":"
                        + width
                        + ",\"height\":"
                        + height
                        + ",\"deviceScaleFactor\":1,\"mobile\":"
                        + (width < 500)
                        + "}");
        call(
                "Emulation.setEmulatedMedia",
                "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\""
                        + (dark ? "dark" : "light")
                        + "\"}]}");
    }

    /** Opens a page and waits until it says that it is ready. */
    public void open(Path page) {
        complaints.clear();
        requests.clear();
        call("Page.navigate", "{\"url\":\"" + page.toUri() + "\"}");
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!evaluate("document.documentElement?.dataset.ready ?? ''").equals("true")) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("the page does not get ready: " + complaints);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }

    /** The value of an expression, as text; a promise is waited for. */
    public String evaluate(String expression) {
        Map<String, String> answer =
                call(
                        "Runtime.evaluate",
                        "{\"returnByValue\":true,\"awaitPromise\":true,\"expression\":\""
                                + quoted(expression)
                                + "\"}");
        if (answer.containsKey("result.exceptionDetails.text")) {
            throw new AssertionError(expression + ": " + answer);
        }
        return answer.getOrDefault("result.result.value", "");
    }

    /** Presses and releases a key on what has the focus. */
    public void press(String key) {
        String text = key.length() == 1 ? ",\"text\":\"" + key + "\"" : "";
        for (String type : List.of("keyDown", "keyUp")) {
            call(
                    "Input.dispatchKeyEvent",
                    "{\"type\":\"" + type + "\",\"key\":\"" + key + "\"" + text + "}");
        }
    }

    /** Whether the page looks as it does on paper. */
    public void prints(boolean printing) {
        call("Emulation.setEmulatedMedia", "{\"media\":\"" + (printing ? "print" : "") + "\"}");
    }

    /** Turns the mouse wheel, or moves or clicks, at a point of the window. */
    public void mouse(String type, double x, double y, double wheel) {
        String button =
                type.startsWith("mouseM") || wheel != 0
                        ? ""
                        : ",\"button\":\"left\",\"clickCount\":1";
        call(
                "Input.dispatchMouseEvent",
                "{\"type\":\""
                        + type
                        + "\",\"x\":"
                        + x
                        + ",\"y\":"
                        + y
                        + ",\"deltaX\":0,\"deltaY\":"
                        + wheel
                        + button
                        + "}");
    }

    /** Keeps a picture of the whole page, for people. */
    public void picture(Path file) throws IOException {
        String data =
                call("Page.captureScreenshot", "{\"captureBeyondViewport\":true}")
                        .get("result.data");
        Files.createDirectories(file.getParent());
        Files.write(file, Base64.getDecoder().decode(data));
    }

    /** Errors and warnings on the console, and exceptions. */
    public List<String> complaints() {
        return List.copyOf(complaints);
    }

    /** The addresses that the page asked for. */
    public List<String> requests() {
        return List.copyOf(requests);
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Map<String, String> call(String method, String parameters) {
        int id = ++lastId;
        String toSession = session.isEmpty() ? "" : ",\"sessionId\":\"" + session + "\"";
        String command =
                "{\"id\":"
                        + id
                        + ",\"method\":\""
                        + method
                        + "\",\"params\":"
                        + parameters
                        + toSession
                        + "}\0";
        try {
            commands.write(command.getBytes(StandardCharsets.UTF_8));
            commands.flush();
            Map<String, String> answer = answers.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (answer == null || answer.containsKey("error.message")) {
                throw new AssertionError(method + " " + parameters + ": " + answer);
            }
            return answer;
        } catch (IOException e) {
            throw new UncheckedIOException(method, e);
        } catch (InterruptedException e) {
            throw new AssertionError(method, e);
        }
    }

    private void listen() {
        try (InputStream in = process.getInputStream()) {
            ByteArrayOutputStream message = new ByteArrayOutputStream();
            byte[] block = new byte[1 << 16];
            for (int read = in.read(block); read >= 0; read = in.read(block)) {
                for (int i = 0; i < read; i++) {
                    if (block[i] != 0) {
                        message.write(block[i]);
                    } else {
                        heard(message.toByteArray());
                        message.reset();
                    }
                }
            }
        } catch (IOException e) {
            complaints.add("the browser fell silent: " + e);
        }
    }

    private void heard(byte[] message) throws IOException {
        Map<String, String> members = members(message);
        String method = members.getOrDefault("method", "");
        String type = members.getOrDefault("params.type", "");
        if (members.containsKey("id")) {
            answers.add(members);
        } else if (method.equals("Runtime.exceptionThrown")
                || method.equals("Log.entryAdded")
                || (method.equals("Runtime.consoleAPICalled")
                        && (type.equals("error") || type.equals("warning")))) {
            complaints.add(new String(message, StandardCharsets.UTF_8));
        } else if (method.equals("Network.requestWillBeSent")) {
            requests.add(members.get("params.request.url"));
        }
    }

    /** Each member by its path, as in {@code result.result.value}. */
    private static Map<String, String> members(byte[] json) throws IOException {
        Map<String, String> members = new LinkedHashMap<>();
        try (JsonParser parser = new JsonFactory().createParser(json)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token.isScalarValue()) {
                    String path = parser.getParsingContext().pathAsPointer().toString();
                    members.put(path.substring(1).replace('/', '.'), parser.getText());
                }
            }
        }
        return members;
    }

    private static String quoted(String text) {
        return new String(JsonStringEncoder.getInstance().quoteAsString(text));
    }
}
