package org.iommu4j.cli.swap;

/** What a user says of a machine, its provider's name and perhaps parameters, and what follows. */
public final class MachineChoice {
    private static final String EMULATOR = "emulator";

    private MachineChoice() {}

    /**
     * Says whether the emulator is chosen, which takes parameters that no other machine has.
     *
     * @param choice the user's words
     * @return true if it is
     */
    public static boolean isEmulator(String choice) {
        return choice.equals(EMULATOR) || choice.startsWith(EMULATOR + ":");
    }

    /**
     * Adds a parameter, unless the user has given it.
     *
     * @param choice the user's words
     * @param key the parameter
     * @param value its value
     * @return the choice with the parameter
     */
    public static String with(String choice, String key, String value) {
        int colon = choice.indexOf(':');
        if (colon < 0) {
            return choice + ":" + key + "=" + value;
        }
        return ("," + choice.substring(colon + 1)).contains("," + key + "=")
                ? choice
                : choice + "," + key + "=" + value;
    }
}
