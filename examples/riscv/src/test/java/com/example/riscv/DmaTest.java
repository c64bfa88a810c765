package com.example.riscv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.example.riscv.unit.UnitModel;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Stage;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.IotlbInvalidator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What devices see through the tables, on a unit that keeps what it read until it is told. */
class DmaTest {

    private static final long PAGE = 0x1000;

    static Stream<Arguments> everyFormat() {
        return Stream.concat(
                Stream.of(38, 47, 56).map(width -> Arguments.of(Stage.FIRST, width)),
                Stream.of(39, 48, 57).map(width -> Arguments.of(Stage.SECOND, width)));
    }

    @ParameterizedTest
    @MethodSource("everyFormat")
    void M1_M6_U1_theEndsOfTheAddressSpaceAndAHoleInTheMiddle(Stage stage, int width) {
        DomainOptions options = DomainOptions.defaults().withStage(stage).withAddressWidth(width);
        try (World world = new World();
                IommuDomain domain = world.iommu.createDomain(options)) {
            long last = (1L << width) - World.G1;
            domain.map(0, 0, World.G1, Access.READ_WRITE);
            domain.map(last, 0, World.G1, Access.READ);
            try (Attachment attachment = world.attach(0, domain)) {
                assertThat(world.write(0, 0x123_4560, 42)).isTrue();
                assertThat(world.peek(0x123_4560)).isEqualTo(42);
                assertThat(world.read(0, last + 0x123_4560)).isEqualTo(42);
                assertThat(world.write(0, last + 0x123_4560, 43)).isFalse();
                domain.unmap(last + 0x123_4000, PAGE);
                assertThat(world.read(0, last + 0x123_4560)).isEqualTo(-1);
                assertThat(world.read(0, last + 0x123_5000)).isZero();
                assertThat(world.read(0, 0x123_4560)).isEqualTo(42);
                assertThat(attachment.domain()).isSameAs(domain);
            }
            assertThat(world.read(0, 0x123_4560)).isEqualTo(-1);
        }
    }

    @Test
    void S1_S3_a512GiBLeafIsSplitHitlessly() {
        DomainOptions options = DomainOptions.defaults().withStage(Stage.FIRST);
        try (World world = new World();
                IommuDomain domain = world.iommu.createDomain(options)) {
            domain.map(0, 0, 1L << 39, Access.READ_WRITE);
            assertThat(domain.statistics().leaves()).containsEntry(1L << 39, 1L);
            try (Attachment _ = world.attach(0, domain)) {
                world.poke(0x777_7000, 7);
                assertThat(world.read(0, 0x777_7000)).isEqualTo(7);
                domain.unmap(0x777_6000, PAGE);
                assertThat(domain.statistics().splits()).isEqualTo(1);
                assertThat(world.read(0, 0x777_6000)).isEqualTo(-1);
                assertThat(world.read(0, 0x777_7000)).isEqualTo(7);
                assertThat(domain.translate((1L << 39) - 8)).isEqualTo((1L << 39) - 8);
            }
        }
    }

    @Test
    void G2_withoutASyncTheUnitMayStillUseWhatItKept() {
        try (World world = new World();
                IommuDomain domain = world.iommu.createDomain(DomainOptions.defaults())) {
            domain.map(World.M2, 0, World.M2, Access.READ_WRITE);
            try (Attachment _ = world.attach(0, domain)) {
                assertThat(world.read(0, World.M2)).isZero();
                IotlbGather gather = domain.gather();
                assertThat(domain.unmap(World.M2, PAGE, gather)).isEqualTo(PAGE);
                assertThat(world.read(0, World.M2)).as("the unit keeps what it read").isZero();
                domain.sync(gather).await();
                assertThat(world.read(0, World.M2)).isEqualTo(-1);
                assertThat(world.read(0, World.M2 + PAGE)).isZero();
            }
        }
    }

    @Test
    void G3_aTableThatWasReplacedIsForgottenToo() {
        try (World world = new World();
                IommuDomain domain = world.iommu.createDomain(DomainOptions.defaults())) {
            domain.map(World.M2, 0, PAGE, Access.READ);
            try (Attachment _ = world.attach(0, domain)) {
                assertThat(world.read(0, World.M2)).isZero();
                domain.unmap(World.M2, PAGE);
                domain.map(World.M2, World.M2, World.M2, Access.READ);
                world.poke(World.M2 + 8, 9);
                assertThat(world.read(0, World.M2 + 8)).isEqualTo(9);
            }
        }
    }

    @Test
    void G3_pageByPageTooATableThatWentIsForgotten() {
        UnaryOperator<IommuOptions> pageByPage =
                options -> options.with(FlushPolicyProvider.class, new PageByPage());
        try (World world = new World(UnitModel.USUAL, pageByPage);
                IommuDomain domain =
                        world.iommu.createDomain(DomainOptions.defaults().withEmptyTables(0));
                Attachment _ = world.attach(0, domain)) {
            for (long page = PAGE; page < 5 * PAGE; page += PAGE) {
                domain.map(page, page, PAGE, Access.READ);
                assertThat(world.read(0, page)).isZero();
                domain.unmap(page, PAGE);
                assertThat(world.read(0, page)).isEqualTo(-1);
            }
            assertThat(domain.statistics().invalidations().page()).isGreaterThan(512);
            assertThat(domain.statistics().invalidations().domain()).isZero();
        }
    }

    @Test
    void L2_aDomainsNameIsNotUsedAgainBeforeTheUnitForgot() {
        try (World world = new World()) {
            for (int i = 0; i < 3; i++) {
                try (IommuDomain domain = world.iommu.createDomain(DomainOptions.defaults())) {
                    domain.map(0, i * World.M2, World.M2, Access.READ);
                    world.poke(i * World.M2, i + 100);
                    try (Attachment _ = world.attach(0, domain)) {
                        assertThat(world.read(0, 0)).isEqualTo(i + 100);
                        assertThatThrownBy(domain::close)
                                .isInstanceOf(IllegalStateException.class)
                                .hasMessageContaining("1 device");
                    }
                    assertThat(world.read(0, 0)).isEqualTo(-1);
                }
            }
        }
    }

    @Test
    void twoDevicesOfOneDomainSeeTheSame() {
        UnitModel model = UnitModel.USUAL.withExtendedContexts();
        try (World world = new World(model);
                IommuDomain domain = world.iommu.createDomain(DomainOptions.defaults());
                Attachment _ = world.attach(0, domain);
                Attachment _ = world.attach(1, domain)) {
            domain.map(0x5000, 0x6000, PAGE, Access.READ_WRITE);
            assertThat(world.write(0, 0x5008, 1)).isTrue();
            assertThat(world.read(1, 0x5008)).isEqualTo(1);
            domain.unmap(0x5000, PAGE);
            assertThat(world.read(0, 0x5008)).isEqualTo(-1);
            assertThat(world.read(1, 0x5008)).isEqualTo(-1);
        }
    }

    /** Asks for one page after another, whatever it costs. */
    private static final class PageByPage implements FlushPolicyProvider {

        @Override
        public String name() {
            return "page-by-page";
        }

        @Override
        public FlushPolicy create(FlushContext context) {
            IotlbInvalidator unit = context.invalidator();
            return new FlushPolicy() {
                @Override
                public FlushCompletion sync(int domainId, IotlbGather gather) {
                    boolean leafOnly = !gather.structureChanged();
                    for (int i = 0; i < gather.rangeCount(); i++) {
                        long end = Math.min(gather.rangeEnd(i), World.G1);
                        for (long at = gather.rangeStart(i); at < end; at += PAGE) {
                            unit.await(unit.invalidatePages(domainId, at, 0, leafOnly));
                        }
                    }
                    gather.completed();
                    return FlushCompletion.DONE;
                }

                @Override
                public void drain() {}

                @Override
                public void close() {}
            };
        }
    }
}
