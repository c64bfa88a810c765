package org.iommu4j.conformance;

import java.util.HashSet;
import java.util.Set;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.machine.PhysicalMemory;

/** Cache flushers that are wrong on purpose, each in one way. */
@SuppressWarnings("ImmutableEnumChecker") // some of the mistakes need to remember something
enum WrongCacheFlushers implements CacheFlusherProvider {
    FLUSHES_CHILDREN_AFTER_THE_PARENT("had not been written back when the fence ended") {
        private long address;
        private long bytes;

        @Override
        void written(PhysicalMemory memory, long at, long count) {
            if (bytes > 0) {
                memory.writeBack(address & -64, (address & 63) + bytes + 63 & -64);
            }
            address = at;
            bytes = count;
        }
    },
    FORGETS_THE_LAST_LINE("had not been written back when the fence ended") {
        @Override
        void written(PhysicalMemory memory, long at, long count) {
            memory.writeBack(at & -64, count + 63 & -64);
        }
    },
    FENCES_NOTHING("no fence came after that") {
        @Override
        void written(PhysicalMemory memory, long at, long count) {
            memory.writeBack(at & -64, (at & 63) + count + 63 & -64);
        }

        @Override
        void fence(PhysicalMemory memory) {}
    },
    WRITES_A_LINE_BACK_ONCE_AND_NEVER_AGAIN("had not been written back when the fence ended") {
        private final Set<Long> seen = new HashSet<>();

        @Override
        void written(PhysicalMemory memory, long at, long count) {
            for (long line = at & -64; line < at + count; line += 64) {
                if (seen.add(line)) {
                    memory.writeBack(line, 64);
                }
            }
        }
    },
    WRITES_BACK_BEYOND_THE_MEMORY("were written back, which are not all memory") {
        @Override
        void written(PhysicalMemory memory, long at, long count) {
            memory.writeBack(at & -64, (at & 63) + count + 127 & -64);
        }
    };

    final String message;

    /** Caught by a message that holds these words. */
    WrongCacheFlushers(String message) {
        this.message = message;
    }

    abstract void written(PhysicalMemory memory, long at, long count);

    void fence(PhysicalMemory memory) {
        memory.fence();
    }

    @Override
    public CacheFlusher create(PhysicalMemory memory) {
        return new CacheFlusher() {
            @Override
            public boolean isNeeded() {
                return true;
            }

            @Override
            public void written(long address, long bytes) {
                WrongCacheFlushers.this.written(memory, address, bytes);
            }

            @Override
            public void fence() {
                WrongCacheFlushers.this.fence(memory);
            }
        };
    }
}
