package org.iommu4j.machine;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The one way in which services are ordered and chosen: by rank, then by name, and by name when the
 * user gives one.
 *
 * <p>All methods are pure; any thread may call them.
 */
public final class Providers {

    private Providers() {}

    /**
     * Sorts what a service loader found.
     *
     * @param <P> the service type
     * @param found the providers, in any order
     * @return the same providers, highest rank first, then by name; unmodifiable
     */
    public static <P extends Provider> List<P> sorted(Iterable<P> found) {
        List<P> providers = new ArrayList<>();
        found.forEach(providers::add);
        providers.sort(
                Comparator.<P>comparingInt(Provider::rank)
                        .reversed()
                        .thenComparing(Provider::name));
        return Collections.unmodifiableList(providers);
    }

    /**
     * Chooses a provider by what the user wrote: a name, or a name and parameters such as {@code
     * "deferred:count=256,age=10ms"}.
     *
     * @param <P> the service type
     * @param service the service type
     * @param kind what such a thing is called in an error message, as in "flush policy"
     * @param found the candidates
     * @param choice the user's words
     * @return the provider of that name, {@linkplain Provider#configured configured} when
     *     parameters are given
     * @throws IllegalArgumentException if there is no provider of that name (the message lists
     *     those found), or the parameters are malformed or refused
     */
    public static <P extends Provider> P choose(
            Class<P> service, String kind, Iterable<P> found, String choice) {
        int colon = choice.indexOf(':');
        String name = colon < 0 ? choice : choice.substring(0, colon);
        for (P provider : sorted(found)) {
            if (provider.name().equals(name)) {
                return colon < 0
                        ? provider
                        : service.cast(provider.configured(parameters(choice, colon + 1)));
            }
        }
        throw new IllegalArgumentException(
                "no " + kind + " \"" + name + "\"; found: " + listed(found));
    }

    /**
     * Chooses the provider of the highest rank.
     *
     * @param <P> the service type
     * @param kind what such a thing is called in an error message
     * @param found the candidates
     * @return the first of {@link #sorted}
     * @throws IllegalArgumentException if there is none
     */
    public static <P extends Provider> P preferred(String kind, Iterable<P> found) {
        List<P> sorted = sorted(found);
        if (sorted.isEmpty()) {
            throw new IllegalArgumentException(
                    "no " + kind + " is on the module path or class path");
        }
        return sorted.getFirst();
    }

    /**
     * Describes providers for a message: {@code vtd (org.iommu4j.vtd 0.1)}.
     *
     * @param found the providers
     * @return their names, each with its module and version, separated by commas; {@code none} if
     *     there are none
     */
    public static String listed(Iterable<? extends Provider> found) {
        List<String> names = new ArrayList<>();
        for (Provider provider : sorted(found)) {
            names.add(provider.name() + " (" + origin(provider) + ")");
        }
        return names.isEmpty() ? "none" : String.join(", ", names);
    }

    /**
     * Says where a provider comes from.
     *
     * @param provider the provider
     * @return the name of its module and, where the module has one, its version; for code on the
     *     class path the name of the class
     */
    public static String origin(Provider provider) {
        Module module = provider.getClass().getModule();
        if (!module.isNamed()) {
            return provider.getClass().getName();
        }
        return module.getDescriptor().toNameAndVersion().replace('@', ' ');
    }

    private static Map<String, String> parameters(String choice, int from) {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (String assignment : choice.substring(from).split(",", -1)) {
            int equals = assignment.indexOf('=');
            String key = assignment.substring(0, Math.max(0, equals)).trim();
            String value = assignment.substring(equals + 1).trim();
            if (key.isEmpty() || value.isEmpty()) {
                throw new IllegalArgumentException(
                        "\"" + choice + "\": parameters are written name:key=value,key=value");
            }
            if (parameters.put(key, value) != null) {
                throw new IllegalArgumentException(
                        "\"" + choice + "\": " + key + " is given twice");
            }
        }
        return parameters;
    }
}
