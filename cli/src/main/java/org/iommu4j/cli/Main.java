package org.iommu4j.cli;

/** Starts the {@code iommu4j} command. */
final class Main {
    private Main() {}

    /**
     * Runs the command and ends the process with its exit code.
     *
     * @param arguments as typed
     */
    public static void main(String[] arguments) {
        CliComponent component = DaggerCliComponent.factory().create(Streams.ofProcess());
        System.exit(component.commandTree().execute(arguments));
    }
}
