package com.example.riscv;

import org.iommu4j.api.IommuException;
import org.iommu4j.machine.PhysicalMemory;

/*
 * Behind the commands of each request stands a fence that stores the request's number. A fence ends after everything before
 * it, so the number in memory says of every request at once whether it is done. Nobody holds the lock while waiting.
 *
 * A unit that cannot fetch a command, or finds one illegal, stops at it for good. Then every wait ends in an error, and
 * nothing that was asked counts as done.
 */

/** The command queue of a unit. Any thread may call any method. */
final class CommandQueue {

    private static final int ENTRIES_LOG2 = 8;
    private static final int PLACES = 1 << ENTRIES_LOG2;
    private static final int SPINS = 100;

    private final UnitRegisters registers;
    private final PhysicalMemory memory;
    private final long ring;
    private final long done;
    private final Object lock = new Object();
    private int tail;
    private long last;

    /**
     * Makes a queue that stands still.
     *
     * @param registers the unit's
     * @param memory where the pages are
     * @param ring a page for the commands
     * @param done a zeroed page for the number of the last request that is done
     */
    CommandQueue(UnitRegisters registers, PhysicalMemory memory, long ring, long done) {
        this.registers = registers;
        this.memory = memory;
        this.ring = ring;
        this.done = done;
    }

    void start() {
        registers.queueOff(UnitRegisters.CQCSR);
        registers.queueOn(
                UnitRegisters.CQB, UnitRegisters.CQT, UnitRegisters.CQCSR, ring, ENTRIES_LOG2);
    }

    void stop() {
        registers.queueOff(UnitRegisters.CQCSR);
    }

    /**
     * Asks the unit to do something.
     *
     * @param commands what; a few
     * @return the number of the request
     * @throws IommuException if the queue is full and stays so, or stands
     */
    long submit(Command... commands) {
        while (true) {
            synchronized (lock) {
                if (hasRoom(commands.length + 1)) {
                    for (Command command : commands) {
                        put(command);
                    }
                    put(Command.fence(done, (int) ++last));
                    memory.fence();
                    registers.write32(UnitRegisters.CQT, tail);
                    return last;
                }
            }
            registers.await(
                    () -> stands() || hasRoomNow(commands.length + 1),
                    "make room in its command queue",
                    UnitRegisters.CQCSR);
            requireGoing();
        }
    }

    boolean isDone(long request) {
        return (int) memory.loadAcquire(done) - (int) request >= 0;
    }

    /**
     * Waits until a request is done.
     *
     * @param request its number
     * @throws IommuException if the queue stands, or the unit does not answer
     */
    void await(long request) {
        for (int i = 0; i < SPINS; i++) {
            if (isDone(request)) {
                return;
            }
            memory.spin();
        }
        registers.await(
                () -> isDone(request) || stands(), "work off its commands", UnitRegisters.CQCSR);
        if (!isDone(request)) {
            requireGoing();
        }
    }

    /** Has it done, and waits for it. */
    void complete(Command... commands) {
        await(submit(commands));
    }

    private boolean hasRoomNow(int places) {
        synchronized (lock) {
            return hasRoom(places);
        }
    }

    /* A ring whose tail meets its head is empty, so one place stays free. */
    private boolean hasRoom(int places) {
        int waiting = tail - registers.read32(UnitRegisters.CQH) & PLACES - 1;
        return waiting + places < PLACES;
    }

    private void put(Command command) {
        long place = ring + (long) tail * Command.BYTES;
        memory.storePlain(place, command.low());
        memory.storePlain(place + Long.BYTES, command.high());
        tail = tail + 1 & PLACES - 1;
    }

    private boolean stands() {
        return (registers.read32(UnitRegisters.CQCSR) & UnitRegisters.ERRORS) != 0;
    }

    private void requireGoing() {
        if (stands()) {
            throw new IommuException(
                    registers.unit()
                            + " stopped its command queue at the command "
                            + registers.read32(UnitRegisters.CQH)
                            + ": cqcsr is 0x"
                            + Integer.toHexString(registers.read32(UnitRegisters.CQCSR)));
        }
    }
}
