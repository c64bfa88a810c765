package org.iommu4j.cli;

import dagger.BindsInstance;
import dagger.Component;

/** Puts the command together. */
@Component
interface CliComponent {
    /** The whole command line, ready to run. */
    CommandTree commandTree();

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
