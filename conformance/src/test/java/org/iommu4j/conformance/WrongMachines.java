package org.iommu4j.conformance;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.iommu4j.conformance.backend.DelegatingMachine;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;

/** Machines that do one thing wrong, over the emulator. */
enum WrongMachines implements MachineProvider {
    ITS_TABLES_ARE_ELSEWHERE("is not in memory") {
        @Override
        Machine over(Machine real) {
            PhysicalMemory elsewhere = PhysicalMemory.allocate(real.memory().size());
            long start = real.tableMemory().start();
            return new DelegatingMachine(real) {
                @Override
                public PhysicalMemory tableMemory() {
                    return elsewhere.part(start, real.tableMemory().size());
                }
            };
        }
    },
    TWO_UNITS_COVER_A_DEVICE("2 units cover") {
        @Override
        Machine over(Machine real) {
            return new DelegatingMachine(real) {
                @Override
                public List<RemappingUnit> remappingUnits() {
                    RemappingUnit unit = real.remappingUnits().getFirst();
                    return List.of(unit, unit);
                }
            };
        }
    },
    A_DEVICE_IS_THERE_TWICE("is there twice") {
        @Override
        Machine over(Machine real) {
            Device device = real.devices().getFirst();
            return devices(real, List.of(device, device));
        }
    },
    ANY_SIZE_WILL_DO("bytes was made") {
        @Override
        public Machine create(long memoryBytes) {
            return real().create(Math.max(memoryBytes & -4096L, 1 << 20));
        }
    },
    DEVICES_WRITE_THE_FIRST_PAGE_ONLY("without translation") {
        @Override
        Machine over(Machine real) {
            return ofDevices(
                    real,
                    device ->
                            new WrongDevice(device) {
                                @Override
                                public DmaOutcome write(long iova, ByteBuffer data) {
                                    int most =
                                            (int) Math.min(data.remaining(), 4096 - (iova & 4095));
                                    ByteBuffer first = data.slice(data.position(), most);
                                    data.position(data.position() + most);
                                    return device.write(iova, first);
                                }
                            });
        }
    },
    BLOCKED_READS_CLEAR_THE_TARGET("and left") {
        @Override
        Machine over(Machine real) {
            return ofDevices(
                    real,
                    device ->
                            new WrongDevice(device) {
                                @Override
                                public DmaOutcome read(long iova, ByteBuffer target) {
                                    DmaOutcome outcome = device.read(iova, target);
                                    if (!outcome.isDone()) {
                                        target.putLong(target.position(), 0);
                                    }
                                    return outcome;
                                }
                            });
        }
    },
    ADDITIONS_ARE_NOT_ATOMIC("times 1 was added") {
        @Override
        Machine over(Machine real) {
            return ofDevices(
                    real,
                    device ->
                            new WrongDevice(device) {
                                @Override
                                public DmaOutcome fetchAndAdd(
                                        long iova, long addend, ByteBuffer old) {
                                    ByteBuffer word =
                                            ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
                                    device.read(iova, word);
                                    LockSupport.parkNanos(1000);
                                    return device.write(
                                            iova, word.flip().putLong(0, word.getLong(0) + addend));
                                }
                            });
        }
    },
    ITS_CLOCK_STANDS_STILL("its clock said 7") {
        @Override
        Machine over(Machine real) {
            return new DelegatingMachine(real) {
                @Override
                public Witness witness() {
                    return new Witness() {
                        @Override
                        public long moment() {
                            return 7;
                        }
                    };
                }
            };
        }
    },
    ITS_SANITIZER_CRIES_WOLF("before anything was done") {
        @Override
        Machine over(Machine real) {
            return new DelegatingMachine(real) {
                @Override
                public Optional<Sanitizer> sanitizer() {
                    return Optional.of(
                            new Sanitizer() {
                                @Override
                                public long count() {
                                    return 1;
                                }

                                @Override
                                public List<Finding> findings() {
                                    return List.of(new Finding("S1", "a wolf", List.of()));
                                }
                            });
                }
            };
        }
    },
    CLOSE_MAY_BE_CALLED_ONCE("it threw") {
        @Override
        Machine over(Machine real) {
            return new DelegatingMachine(real) {
                private boolean closed;

                @Override
                public void close() {
                    if (closed) {
                        throw new IllegalStateException("closed already");
                    }
                    closed = true;
                    real.close();
                }
            };
        }
    };

    /** Words of the message. */
    final String words;

    WrongMachines(String words) {
        this.words = words;
    }

    static MachineProvider real() {
        return MachineProvider.providers().getFirst();
    }

    @Override
    public Machine create(long memoryBytes) {
        return over(real().create(memoryBytes));
    }

    Machine over(Machine machine) {
        return machine;
    }

    private static Machine devices(Machine machine, List<Device> devices) {
        return new DelegatingMachine(machine) {
            @Override
            public List<Device> devices() {
                return devices;
            }
        };
    }

    private static Machine ofDevices(Machine machine, UnaryOperator<Device> wrong) {
        return devices(machine, machine.devices().stream().map(wrong).toList());
    }

    /** A device, of which a subclass changes one thing. */
    private static class WrongDevice implements Device {

        private final Device device;

        WrongDevice(Device device) {
            this.device = device;
        }

        @Override
        public SourceId source() {
            return device.source();
        }

        @Override
        public DmaOutcome read(long iova, ByteBuffer target) {
            return device.read(iova, target);
        }

        @Override
        public DmaOutcome write(long iova, ByteBuffer data) {
            return device.write(iova, data);
        }

        @Override
        public DmaOutcome fetchAndAdd(long iova, long addend, ByteBuffer old) {
            return device.fetchAndAdd(iova, addend, old);
        }
    }
}
