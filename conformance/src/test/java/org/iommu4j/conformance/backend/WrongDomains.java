package org.iommu4j.conformance.backend;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.iommu4j.api.Access;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.TableMemoryExhaustedException;

/** Domains that do one thing wrong, over one that does it right. */
final class WrongDomains {

    private static final long PAGE = 0x1000;
    private static final long LARGE = 0x20_0000;

    private WrongDomains() {}

    /** M1: what is behind the first page of a mapping translates to the page. */
    static IommuDomain translatesToPages(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public long translate(long iova) {
                long output = real.translate(iova);
                return output == NOT_MAPPED ? NOT_MAPPED : output & -PAGE;
            }
        };
    }

    /** M2: what is in the way is replaced. */
    static IommuDomain replacesWhatIsMapped(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public void map(long iova, long output, long size, Access access) {
                real.unmap(iova, size);
                real.map(iova, output, size, access);
            }
        };
    }

    /** M4, T2: pages are mapped one by one, until there is none. */
    static IommuDomain mapsAsFarAsItGoes(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public void map(long iova, long output, long size, Access access, IotlbGather gather) {
                long half = size / 2 & -PAGE;
                if (half > 0) {
                    real.map(iova, output, half, access, gather);
                }
                real.map(iova + half, output + half, size - half, access, gather);
            }
        };
    }

    /** M5: where small pages once were there are only small pages. */
    static IommuDomain keepsSmallPages(IommuDomain real) {
        Set<Long> small = new HashSet<>();
        return new DelegatingDomain(real) {
            @Override
            public void map(long iova, long output, long size, Access access) {
                if (size < LARGE) {
                    small.add(iova & -LARGE);
                }
                if (small.stream().noneMatch(at -> at >= iova && at < iova + size)) {
                    real.map(iova, output, size, access);
                    return;
                }
                for (long at = 0; at < size; at += PAGE) {
                    real.map(iova + at, output + at, PAGE, access);
                }
            }
        };
    }

    /** M6: what is misaligned is rounded down. */
    static IommuDomain roundsWhatIsMisaligned(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public long unmap(long iova, long size, IotlbGather gather) {
                return real.unmap(iova & -PAGE, size, gather);
            }
        };
    }

    /** M7: what may be read may be written. */
    static IommuDomain permitsWriting(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public void map(long iova, long output, long size, Access access) {
                Access wider = Access.of(access.index() | Access.WRITE.index(), access.software());
                real.map(iova, output, size, access.readable() ? wider : access);
            }
        };
    }

    /** M8: a map leaves what the hardware needs to a gather that nobody syncs. */
    static IommuDomain mapsWithoutSync(IommuDomain real) {
        return new DelegatingDomain(real) {
            private final List<IotlbGather> forgotten = new ArrayList<>();

            @Override
            public void map(long iova, long output, long size, Access access) {
                IotlbGather gather = real.gather();
                forgotten.add(gather);
                real.map(iova, output, size, access, gather);
            }

            @Override
            public void close() {
                forgotten.forEach(IotlbGather::close);
                super.close();
            }
        };
    }

    /** U1, T1: a leaf goes whole. */
    static IommuDomain takesLeavesWhole(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public long unmap(long iova, long size) {
                Optional<Mapping> leaf = real.mappingAt(iova);
                return leaf.isPresent() && leaf.get().size() > size
                        ? real.unmap(leaf.get().iova(), leaf.get().size())
                        : real.unmap(iova, size);
            }
        };
    }

    /** U2: an unmap ends at the first hole. */
    static IommuDomain stopsAtHoles(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public long unmap(long iova, long size) {
                long end = iova;
                while (end < iova + size && real.translate(end) != NOT_MAPPED) {
                    end += PAGE;
                }
                return end == iova ? 0 : real.unmap(iova, end - iova);
            }
        };
    }

    /** U4: an unmap that fails midway has unmapped what came before. */
    static IommuDomain unmapsAsFarAsItGoes(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public long unmap(long iova, long size, IotlbGather gather) {
                try {
                    return real.unmap(iova, size, gather);
                } catch (TableMemoryExhaustedException e) {
                    long whole = (iova + LARGE - 1) & -LARGE;
                    long most = (iova + size & -LARGE) - whole;
                    if (most > 0) {
                        real.unmap(whole, most, gather);
                    }
                    throw e;
                }
            }
        };
    }

    /** S1: a part is unmapped by way of unmapping all and mapping the rest again. */
    static IommuDomain unmapsAllAndMapsTheRest(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public long unmap(long iova, long size) {
                IotlbGather gather = real.gather();
                long bytes = unmap(iova, size, gather);
                real.sync(gather).await();
                return bytes;
            }

            @Override
            public long unmap(long iova, long size, IotlbGather gather) {
                Mapping leaf = real.mappingAt(iova).orElse(null);
                if (leaf == null || leaf.iova() + leaf.size() < iova + size) {
                    return real.unmap(iova, size, gather);
                }
                real.unmap(leaf.iova(), leaf.size(), gather);
                long output = leaf.outputAddress();
                if (iova > leaf.iova()) {
                    real.map(leaf.iova(), output, iova - leaf.iova(), leaf.access(), gather);
                }
                long after = iova + size - leaf.iova();
                if (after < leaf.size()) {
                    real.map(
                            leaf.iova() + after,
                            output + after,
                            leaf.size() - after,
                            leaf.access(),
                            gather);
                }
                return size;
            }
        };
    }

    /** S6: the first table is taken, and used, before the second. */
    static IommuDomain splitsLevelByLevel(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public long unmap(long iova, long size, IotlbGather gather) {
                Mapping leaf = real.mappingAt(iova).orElse(null);
                if (leaf != null && leaf.size() > LARGE && leaf.size() > size) {
                    real.split(leaf.iova(), leaf.size(), LARGE, gather);
                }
                return real.unmap(iova, size, gather);
            }
        };
    }

    /** G6: another domain's gather is taken. */
    static IommuDomain takesAnyGather(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public long unmap(long iova, long size, IotlbGather gather) {
                return gather.owner().equals(real)
                        ? real.unmap(iova, size, gather)
                        : real.unmap(iova, size);
            }
        };
    }

    /** G6: a second sync is an error. */
    static IommuDomain syncsOnce(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public FlushCompletion sync(IotlbGather gather) {
                if (gather.isEmpty()) {
                    throw new IllegalStateException("the gather was synced");
                }
                return real.sync(gather);
            }
        };
    }

    /** L1: close keeps everything. */
    static IommuDomain staysOpen(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public void close() {
                // nothing is given back
            }
        };
    }

    /** T1: the page beside it goes for a moment. */
    static IommuDomain disturbsTheNextPage(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public synchronized long unmap(long iova, long size) {
                Mapping next = real.mappingAt(iova + size).orElse(null);
                if (next == null || next.size() != PAGE) {
                    return real.unmap(iova, size);
                }
                long bytes = real.unmap(iova, size + PAGE);
                pause();
                real.map(next.iova(), next.outputAddress(), PAGE, next.access());
                return bytes - PAGE;
            }
        };
    }

    /** T2: what unmap says is what was there when it began. */
    static IommuDomain saysWhatItSawBefore(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public long unmap(long iova, long size, IotlbGather gather) {
                long bytes = 0;
                for (long at = iova; at < iova + size; at += PAGE) {
                    bytes += real.translate(at) == NOT_MAPPED ? 0 : PAGE;
                }
                LockSupport.parkNanos(1000);
                real.unmap(iova, size, gather);
                return bytes;
            }
        };
    }

    /** T3: one lock is held over the whole of every call. */
    static IommuDomain holdsOneLock(IommuDomain real) {
        return new DelegatingDomain(real) {
            @Override
            public synchronized long unmap(long iova, long size) {
                return real.unmap(iova, size);
            }

            @Override
            public synchronized long unmap(long iova, long size, IotlbGather gather) {
                return real.unmap(iova, size, gather);
            }
        };
    }

    private static void pause() {
        try {
            TimeUnit.MICROSECONDS.sleep(200);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
