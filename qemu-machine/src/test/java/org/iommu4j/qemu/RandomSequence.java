package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.ToLongFunction;
import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;

/**
 * Random calls from a seed, done on several machines and on a plain model, and the looks at what
 * came of each.
 */
final class RandomSequence {

    static final int DOMAINS = 2;
    static final int DEVICES = 2;

    private static final int NOBODY = -1;
    private static final int EDGES = 3;
    private static final long PAGE = 0x1000;
    private static final long M2 = QemuWorld.M2;
    private static final long G1 = QemuWorld.G1;

    /* Where things happen: the ends of what a device of 32 bits can name, and the edges of large leaves. */
    private static final long[] PLACES = {0, M2, G1 - M2, G1, 2 * G1, 2 * G1 + M2, 3 * G1 - M2};
    private static final long END = 0xfe00_0000L;
    private static final long[] STEPS = {PAGE, M2, G1};
    private static final Access[] ACCESSES = {
        Access.READ_WRITE, Access.READ_WRITE, Access.READ, Access.WRITE
    };

    private static final int NO_CONTEXT = 2;
    private static final int NO_ROOT = 1;
    private static final int NO_WRITE = 5;
    private static final int NO_READ = 6;

    private final long seed;
    private final Random random;
    private final List<Twin> twins;
    private final Reference[] domains = new Reference[DOMAINS];
    private final int[] attached = new int[DEVICES];
    private boolean anyAttachedEver;
    private long dmas;
    private long blocked;
    private long silences;
    private String step = "";

    RandomSequence(long seed, List<Twin> twins) {
        this.seed = seed;
        this.random = new Random(seed);
        this.twins = twins;
        Arrays.setAll(domains, _ -> new Reference());
        Arrays.fill(attached, NOBODY);
    }

    long dmas() {
        return dmas;
    }

    long blocked() {
        return blocked;
    }

    /** How many blocked requests were not recorded as faults, where that is a known difference. */
    long silences() {
        return silences;
    }

    /** Does one call on every machine, and looks. */
    void step(int number) {
        int domain = random.nextInt(DOMAINS);
        int kind = random.nextInt(100);
        long iova = place();
        long size = Math.min(size(), END - iova);
        step = "seed %d, step %d, domain %d, ".formatted(seed, number, domain);
        int device = random.nextInt(DEVICES);
        if (kind < (attached[device] == NOBODY ? 30 : 3)) {
            attachOrDetach(device, domain);
        } else if (kind < 55) {
            map(domain, iova, size);
        } else if (kind < 80) {
            unmap(domain, iova, random.nextInt(4) == 0 ? size : Math.min(size, 3 * PAGE));
        } else {
            cutOrSplit(domain, iova, Math.min(size, 8 * M2));
        }
        look(iova, size);
    }

    private void attachOrDetach(int device, int domain) {
        if (attached[device] == NOBODY) {
            note("attach device " + device);
            twins.forEach(twin -> twin.attach(device, domain));
            attached[device] = domain;
            anyAttachedEver = true;
        } else {
            note("detach device " + device);
            twins.forEach(twin -> twin.detach(device));
            attached[device] = NOBODY;
        }
    }

    private void map(int domain, long iova, long size) {
        long step = largestStep(iova, size);
        long most = 2 * G1 - size;
        long physical = random.nextLong(most / step + 1) * step;
        Access access = ACCESSES[random.nextInt(ACCESSES.length)];
        note("map 0x%x to 0x%x, 0x%x bytes, %s".formatted(iova, physical, size, access));
        boolean free = domains[domain].isFree(iova, size);
        for (Twin twin : twins) {
            try (IotlbGather gather = twin.domain(domain).gather()) {
                assertThat(twin.domain(domain).tryMap(iova, physical, size, access, gather))
                        .as("%s on %s", this.step, twin)
                        .isEqualTo(free);
                twin.domain(domain).sync(gather).await();
            }
        }
        if (free) {
            domains[domain].map(iova, physical, size, access);
        }
    }

    private void unmap(int domain, long iova, long size) {
        note("unmap 0x%x, 0x%x bytes".formatted(iova, size));
        long bytes = domains[domain].unmap(iova, size);
        agree("bytes unmapped", bytes, twin -> twin.domain(domain).unmap(iova, size));
    }

    private void cutOrSplit(int domain, long iova, long size) {
        boolean split = random.nextBoolean();
        long to = random.nextInt(4) == 0 ? M2 : PAGE;
        note(
                split
                        ? "split 0x%x, 0x%x bytes to 0x%x".formatted(iova, size, to)
                        : "cut 0x%x, 0x%x bytes".formatted(iova, size));
        for (Twin twin : twins) {
            try (IotlbGather gather = twin.domain(domain).gather()) {
                if (split) {
                    twin.domain(domain).split(iova, size, to, gather);
                } else {
                    twin.domain(domain).cut(iova, size, gather);
                }
                twin.domain(domain).sync(gather).await();
            }
        }
    }

    /** First, last, neighbours, and one anywhere, through every device. */
    private void look(long iova, long size) {
        for (int device = 0; device < DEVICES; device++) {
            lookAt(device, iova);
            lookAt(device, iova + size - 8);
            lookAt(device, iova + size);
            lookAt(device, place() + random.nextInt(512) * 8L);
            if (iova > 0) {
                lookAt(device, iova - 8);
            }
            if (attached[device] != NOBODY) {
                for (int i = 0; i < EDGES; i++) {
                    lookAt(device, domains[attached[device]].edge(random));
                }
            }
        }
    }

    private void lookAt(int device, long iova) {
        boolean write = random.nextBoolean();
        long value = random.nextLong() & Long.MAX_VALUE;
        int domain = attached[device];
        long physical = domain == NOBODY ? -1 : domains[domain].translate(iova);
        long expected = expected(domain, iova, write, value);
        boolean done = expected == value;
        long before = write ? ~value : value;
        if (physical >= 0) {
            twins.forEach(twin -> twin.poke(physical, before));
        }
        String what =
                "%s of 0x%x through device %d".formatted(write ? "write" : "read", iova, device);
        agree(
                what,
                expected,
                twin -> {
                    long came = twin.dma(device, iova, write, write ? value : 0);
                    return isKnown(twin, came, domain, physical) ? expected : came;
                });
        if (physical >= 0) {
            long after = write && done ? value : before;
            agree("memory after the " + what, after, twin -> twin.peek(physical));
        }
        dmas++;
        blocked += done ? 0 : 1;
    }

    /** The differences that docs/decisions/0013 tells of. */
    private boolean isKnown(Twin twin, long came, int domain, long physical) {
        if (came == Twin.BLOCKED && physical >= 0 && twin.keepsNarrowTranslations()) {
            silences++;
            return true;
        }
        return domain == NOBODY && came == (Twin.BLOCKED | NO_ROOT) && twin.keepsAbsence();
    }

    /** The value, or that it is blocked, with the reason. */
    private long expected(int domain, long iova, boolean write, long value) {
        if (domain == NOBODY) {
            return Twin.BLOCKED | (anyAttachedEver ? NO_CONTEXT : NO_ROOT);
        }
        if (domains[domain].allows(iova, write)) {
            return value;
        }
        return Twin.BLOCKED | (write ? NO_WRITE : NO_READ);
    }

    private void agree(String what, long expected, ToLongFunction<Twin> actual) {
        for (Twin twin : twins) {
            assertThat(actual.applyAsLong(twin))
                    .as("%s on %s: %s", step, twin, what)
                    .isEqualTo(expected);
        }
    }

    private void note(String call) {
        step += call;
    }

    private long place() {
        long step = random.nextInt(8) == 0 ? M2 : PAGE;
        return PLACES[random.nextInt(PLACES.length)] + random.nextInt(6) * step;
    }

    private long size() {
        return switch (random.nextInt(10)) {
            case 0 -> G1 - random.nextInt(2) * PAGE;
            case 1, 2 -> M2;
            case 3 -> (1 + random.nextInt(3)) * M2 + random.nextInt(3) * PAGE;
            default -> (1 + random.nextInt(8)) * PAGE;
        };
    }

    /** What output addresses are multiples of, so that large leaves come about. */
    private long largestStep(long iova, long size) {
        long largest = PAGE;
        for (long step : STEPS) {
            if (iova % step == 0 && size >= step && random.nextInt(4) != 0) {
                largest = step;
            }
        }
        return largest;
    }
}
