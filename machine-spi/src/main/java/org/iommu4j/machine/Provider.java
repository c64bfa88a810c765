package org.iommu4j.machine;

import java.util.Map;

/**
 * Something that {@link java.util.ServiceLoader} can find and a user can name: the common face of
 * every service of the framework. A provider builds the thing; it is not the thing.
 *
 * <p>Selection is by {@link #name()}, or by the highest {@link #rank()} when no name is given,
 * never by the order in which providers were found. Implementations are stateless; any thread may
 * call them.
 */
public interface Provider {

    /**
     * {@return the name a user selects this provider by: lower case, unique among the providers of
     * one kind}
     */
    String name();

    /**
     * {@return how strongly this provider wants to be the default; the highest rank wins, ties are
     * broken by name}
     */
    default int rank() {
        return 0;
    }

    /**
     * Returns this kind of provider with parameters set, as given by a user behind the name: {@code
     * "deferred:count=256,age=10ms"}.
     *
     * @param parameters what was given, by key; not empty
     * @return a provider of the same service type that creates what the parameters describe
     * @throws IllegalArgumentException if a key is unknown or a value is not legal; the message
     *     lists the legal ones
     */
    default Provider configured(Map<String, String> parameters) {
        throw new IllegalArgumentException(
                "\"" + name() + "\" takes no parameters, but was given " + parameters);
    }
}
