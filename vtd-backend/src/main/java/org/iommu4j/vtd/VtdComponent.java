package org.iommu4j.vtd;

import dagger.BindsInstance;
import dagger.Component;
import jakarta.inject.Singleton;
import org.iommu4j.api.IommuOptions;

/** The parts of one opened Iommu; each is there once. */
@Singleton
@Component(modules = VtdModule.class)
interface VtdComponent {

    /** {@return the Iommu} */
    VtdIommu iommu();

    /** Makes the parts. */
    @Component.Factory
    interface Factory {

        /**
         * Makes the parts.
         *
         * @param options what the user wants
         * @param patience how long to wait for hardware
         * @return the parts
         */
        VtdComponent create(@BindsInstance IommuOptions options, @BindsInstance Patience patience);
    }
}
