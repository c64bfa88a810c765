package org.iommu4j.cli;

import dagger.BindsInstance;
import dagger.Component;
import dagger.Module;
import dagger.Provides;
import org.iommu4j.api.Iommu;
import org.iommu4j.cli.vm.Machines;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.Providers;

/** Puts the command together. */
@Component(modules = CliComponent.Services.class)
interface CliComponent {
    /** The whole command line, ready to run. */
    CommandTree commandTree();

    /** What the commands need of the framework. */
    @Module
    final class Services {
        private Services() {}

        @Provides
        static IommuOpener iommuOpener() {
            return Iommu::open;
        }

        @Provides
        static Machines machines() {
            return (choice, bytes) ->
                    Providers.choose(
                                    MachineProvider.class,
                                    "machine",
                                    MachineProvider.providers(),
                                    choice)
                            .create(bytes);
        }
    }

    /** What differs between a process and a test. */
    @Component.Factory
    interface Factory {
        /**
         * Makes the component.
         *
         * @param streams where the command reads and writes
         */
        CliComponent create(@BindsInstance Streams streams);
    }
}
