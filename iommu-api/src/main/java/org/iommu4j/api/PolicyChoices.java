package org.iommu4j.api;

import java.util.HashMap;
import java.util.Map;
import org.iommu4j.machine.Provider;
import org.iommu4j.machine.Providers;

/**
 * Which provider a user chose for each kind of policy: the provider itself, or its name. Immutable.
 */
final class PolicyChoices {

    static final PolicyChoices NONE = new PolicyChoices(Map.of());

    private final Map<Class<? extends Provider>, Object> byKind;

    private PolicyChoices(Map<Class<? extends Provider>, Object> byKind) {
        this.byKind = byKind;
    }

    PolicyChoices with(Class<? extends Provider> kind, Object choice) {
        Map<Class<? extends Provider>, Object> changed = new HashMap<>(byKind);
        changed.put(kind, choice);
        return new PolicyChoices(Map.copyOf(changed));
    }

    boolean has(Class<? extends Provider> kind) {
        return byKind.containsKey(kind);
    }

    <P extends Provider> P resolve(Class<P> kind, String called, Iterable<P> found) {
        Object choice = byKind.get(kind);
        if (choice instanceof String name) {
            return Providers.choose(kind, called, found, name);
        }
        return choice == null ? Providers.preferred(called, found) : kind.cast(choice);
    }
}
