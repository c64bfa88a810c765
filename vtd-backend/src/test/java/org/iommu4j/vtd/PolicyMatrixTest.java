package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.emulator.CacheBehaviour;
import org.iommu4j.emulator.EmulatedMachine;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Providers;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/*
 * Two units that keep whatever they may keep, a device on each, one domain. Regions of 2 MiB are mapped, used by DMA,
 * unmapped in pieces, and used again, but only when the sync of what was unmapped there has completed. What completed is
 * refused to both devices; what stays mapped is never refused. The sanitizer holds the rest: translations after an
 * invalidation that should have removed them, tables that are reused while a unit can reach them, lines that were never
 * written back.
 */

/** Every flush policy with every cache flusher and every allocator, in some mode, under DMA. */
class PolicyMatrixTest {

    private static final long K4 = 0x1000;
    private static final long M2 = 0x20_0000;
    private static final int REGIONS = 6;
    private static final int ROUNDS = 60;
    private static final long SEED = 20261123;

    /** A piece of a region that was unmapped. */
    private record Piece(long iova, long size, FlushCompletion completion) {}

    static Stream<Arguments> combinations() {
        List<Arguments> all = new ArrayList<>();
        for (String flush :
                List.of(
                        "strict",
                        "strict:pages=1",
                        "domain",
                        "deferred",
                        "deferred:count=3,age=1ms")) {
            for (String cache : List.of("none", "line", "page")) {
                for (String allocator :
                        List.of(
                                "slab",
                                "quota:bytes=4m",
                                "reserve:pages=16",
                                "quota:bytes=4m,over=reserve:pages=8")) {
                    all.add(Arguments.of(flush, cache, allocator, all.size()));
                }
            }
        }
        return all.stream();
    }

    private final List<TableAllocator> allocators = new ArrayList<>();
    private final Random random = new Random(SEED);
    private final List<Piece> pieces = new ArrayList<>();

    @ParameterizedTest(name = "{0} × {1} × {2}")
    @MethodSource("combinations")
    void G1_G2_G3_G4_G5_G6_G7_holdUnderEveryCombination(
            String flush, String cache, String allocator, int number) throws Exception {
        EmulatorOptions hardware =
                EmulatorOptions.legacy()
                        .memory(64 << 20)
                        .tableMemory(16 << 20)
                        .units(2)
                        .coherent(cache.equals("none"))
                        .cachingMode(number % 2 == 1)
                        .writeBufferFlush(number % 3 == 1 && cache.equals("none"))
                        .caches(CacheBehaviour.KEEPS_EVERYTHING)
                        .seed(number);
        UnitMode mode = UnitMode.values()[(number / 3 + number / 12) % UnitMode.values().length];
        EmulatedMachine machine = EmulatedMachine.create(mode.of(hardware));
        IommuOptions options =
                IommuOptions.on(machine)
                        .with(FlushPolicyProvider.class, flush)
                        .with(CacheFlusherProvider.class, cache)
                        .with(TableAllocatorProvider.class, captured(allocator));
        long free;
        try (Iommu iommu = Iommu.open("vtd", options)) {
            free = allocators.getFirst().free();
            IommuDomain domain = iommu.createDomain(DomainOptions.defaults().withEmptyTables(1));
            for (Device device : machine.devices()) {
                var ignored = iommu.attach(device.source(), domain);
            }
            traffic(machine, domain);
        }
        TableAllocator used = allocators.getFirst();
        assertThat(used.free()).as("with the units' own pages back too").isGreaterThan(free);
        assertThat(machine.sanitizer().map(Sanitizer::findings).orElseThrow())
                .as("what the sanitizer found, seed " + SEED)
                .isEmpty();
        used.close();
        machine.close();
    }

    private void traffic(EmulatedMachine machine, IommuDomain domain) {
        boolean[] mapped = new boolean[REGIONS];
        IotlbGather gather = domain.gather();
        for (int round = 0; round < ROUNDS; round++) {
            int region = random.nextInt(REGIONS);
            long base = (1 + region) * M2 * 3;
            long output = (1 + region) * M2;
            if (!mapped[region]) {
                domain.map(base, output, M2, Access.READ_WRITE);
                machine.devices().forEach(device -> exchange(machine, device, base, output));
                mapped[region] = true;
            } else {
                punch(machine, domain, gather, base, output);
                mapped[region] = false;
            }
            for (Device device : machine.devices()) {
                pieces.forEach(piece -> requireRefusedIfDone(device, piece));
            }
            pieces.removeIf(piece -> piece.completion.isDone() && random.nextBoolean());
        }
    }

    /** Unmaps a few pages of a region one after another, then the rest of it. */
    private void punch(
            EmulatedMachine machine,
            IommuDomain domain,
            IotlbGather gather,
            long base,
            long output) {
        List<Piece> here = new ArrayList<>();
        boolean[] gone = new boolean[512];
        for (int i = 0; i < 3; i++) {
            int page = 1 + random.nextInt(510);
            gone[page] = true;
            long iova = base + page * K4;
            domain.unmap(iova, K4, gather);
            here.add(new Piece(iova, K4, domain.sync(gather)));
            int stays = 0;
            while (gone[stays]) {
                stays++;
            }
            long at = stays * K4;
            machine.devices().forEach(device -> exchange(machine, device, base + at, output + at));
            here.forEach(piece -> requireRefusedIfDone(machine.devices().getFirst(), piece));
        }
        domain.unmap(base, M2, gather);
        here.add(new Piece(base, M2, domain.sync(gather)));
        if (random.nextInt(3) == 0) {
            here.get(random.nextInt(here.size())).completion.await();
        }
        here.getLast().completion.await();
        assertThat(here).allMatch(piece -> piece.completion.isDone());
        pieces.removeIf(piece -> piece.iova >= base && piece.iova < base + M2);
        machine.devices().forEach(device -> requireRefusedIfDone(device, here.getLast()));
    }

    private void requireRefusedIfDone(Device device, Piece piece) {
        if (piece.completion.isDone()) {
            long iova = piece.iova + random.nextLong(piece.size / K4) * K4;
            assertThat(device.read(iova, word()).isDone())
                    .as("0x%x is reached after its sync completed, seed %d", iova, SEED)
                    .isFalse();
        }
    }

    private void exchange(EmulatedMachine machine, Device device, long iova, long output) {
        long value = random.nextLong();
        assertThat(device.write(iova, word().putLong(0, value)).isDone())
                .as("DMA to 0x%x, which is mapped, seed %d", iova, SEED)
                .isTrue();
        assertThat(machine.memory().loadAcquire(output)).isEqualTo(value);
    }

    private TableAllocatorProvider captured(String name) {
        TableAllocatorProvider chosen =
                Providers.choose(
                        TableAllocatorProvider.class,
                        "table allocator",
                        TableAllocatorProvider.providers(),
                        name);
        return new TableAllocatorProvider() {
            @Override
            public String name() {
                return chosen.name();
            }

            @Override
            public TableAllocator create(PhysicalMemory memory) {
                allocators.add(chosen.create(memory));
                return allocators.getLast();
            }
        };
    }

    private static ByteBuffer word() {
        return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }
}
