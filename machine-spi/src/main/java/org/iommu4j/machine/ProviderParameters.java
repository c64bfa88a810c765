package org.iommu4j.machine;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the parameters that a user wrote behind a provider's name, for an implementation of {@link
 * Provider#configured}. Every mistake is refused with one message that says what is legal.
 *
 * <p>Used by one thread.
 */
public final class ProviderParameters {

    private static final Pattern BYTES = Pattern.compile("([0-9]{1,15})([kmgt]?)");
    private static final Pattern TIME = Pattern.compile("([0-9]{1,12})(ns|us|ms|s)");

    private final String name;
    private final Map<String, String> given;
    private final Map<String, String> unread;
    private final String legal;

    /**
     * Begins to read.
     *
     * @param name the provider's name
     * @param given what the user wrote, by key
     * @param legal what may be written, for the message: {@code "age=T with T from 1us to 1s"}
     */
    public ProviderParameters(String name, Map<String, String> given, String legal) {
        this.name = name;
        this.given = Map.copyOf(given);
        this.unread = new HashMap<>(given);
        this.legal = legal;
    }

    /**
     * Reads a number.
     *
     * @param key its key
     * @param absent what it is if it is not given
     * @param least the least that is legal
     * @param most the most that is legal
     * @return the number
     * @throws IllegalArgumentException if it is no such number
     */
    public long number(String key, long absent, long least, long most) {
        String text = text(key).orElse("");
        if (text.isEmpty()) {
            return absent;
        }
        if (!text.matches("[0-9]{1,15}")) {
            throw illegal();
        }
        return within(Long.parseLong(text), least, most);
    }

    /**
     * Reads a size, such as {@code 4096}, {@code 64k} or {@code 2g}.
     *
     * @param key its key
     * @param absent what it is if it is not given, in bytes
     * @param least the least that is legal
     * @param most the most that is legal
     * @return the size, in bytes
     * @throws IllegalArgumentException if it is no such size
     */
    public long bytes(String key, long absent, long least, long most) {
        String text = text(key).orElse("");
        if (text.isEmpty()) {
            return absent;
        }
        Matcher size = BYTES.matcher(text);
        if (!size.matches()) {
            throw illegal();
        }
        int shift = 10 * (1 + "kmgt".indexOf(size.group(2)));
        long number = Long.parseLong(size.group(1));
        if (!size.group(2).isEmpty()) {
            number = number > Long.MAX_VALUE >> shift ? Long.MAX_VALUE : number << shift;
        }
        return within(number, least, most);
    }

    /**
     * Reads a time, such as {@code 10ms}; its unit is {@code ns}, {@code us}, {@code ms} or {@code
     * s}.
     *
     * @param key its key
     * @param absent what it is if it is not given
     * @param least the least that is legal
     * @param most the most that is legal
     * @return the time
     * @throws IllegalArgumentException if it is no such time
     */
    public Duration time(String key, Duration absent, Duration least, Duration most) {
        String text = text(key).orElse("");
        if (text.isEmpty()) {
            return absent;
        }
        Matcher time = TIME.matcher(text);
        if (!time.matches()) {
            throw illegal();
        }
        long number = Long.parseLong(time.group(1));
        Duration read =
                switch (time.group(2)) {
                    case "ns" -> Duration.ofNanos(number);
                    case "us" -> Duration.ofNanos(Math.multiplyExact(number, 1000));
                    case "ms" -> Duration.ofMillis(number);
                    default -> Duration.ofSeconds(number);
                };
        if (read.compareTo(least) < 0 || read.compareTo(most) > 0) {
            throw illegal();
        }
        return read;
    }

    /**
     * Reads a text.
     *
     * @param key its key
     * @return the text, or empty if it is not given
     */
    public Optional<String> text(String key) {
        unread.remove(key);
        return Optional.ofNullable(given.get(key));
    }

    /**
     * Ends the reading.
     *
     * @throws IllegalArgumentException if something was given that nobody asked for
     */
    public void requireAllRead() {
        if (!unread.isEmpty()) {
            throw illegal();
        }
    }

    /** {@return what to throw if the parameters do not go together} */
    public IllegalArgumentException illegal() {
        return new IllegalArgumentException(
                "\"" + name + "\" was given " + given + "; legal is " + legal);
    }

    private long within(long number, long least, long most) {
        if (number < least || number > most) {
            throw illegal();
        }
        return number;
    }
}
