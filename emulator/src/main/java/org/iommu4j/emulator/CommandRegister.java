package org.iommu4j.emulator;

/**
 * The global command and status registers. Software writes what shall be on, with one command
 * added; the status says what is. One command at a time is carried out: of several in one write
 * only the one in the highest bit.
 */
final class CommandRegister implements RegisterBlock {

    /** Offset of the command register; the status follows. */
    static final int OFFSET = 0x18;

    private static final int STATUS = 0x1c;

    private static final int TRANSLATION = 1 << 31;
    private static final int ROOT_POINTER = 1 << 30;
    private static final int WRITE_BUFFER = 1 << 27;
    private static final int QUEUE = 1 << 26;

    /* What stays on until it is written as off. */
    private static final int STICKY = TRANSLATION | QUEUE;

    private final RootPointer rootPointer;
    private final TableViews views;
    private final boolean hasWriteBuffer;
    private final InvalidationQueue queue;
    private final Runnable stopped;
    private volatile boolean translating;
    private int status;

    /**
     * Everything is off.
     *
     * @param rootPointer takes the root table
     * @param views whose write buffers are flushed
     * @param hasWriteBuffer true if it has some
     * @param queue turned on and off
     * @param stopped runs when translation was turned off
     */
    CommandRegister(
            RootPointer rootPointer,
            TableViews views,
            boolean hasWriteBuffer,
            InvalidationQueue queue,
            Runnable stopped) {
        this.rootPointer = rootPointer;
        this.views = views;
        this.hasWriteBuffer = hasWriteBuffer;
        this.queue = queue;
        this.stopped = stopped;
    }

    /** {@return true if requests are translated} */
    boolean isTranslating() {
        return translating;
    }

    @Override
    public int read(int offset) {
        return offset == STATUS ? status : 0;
    }

    @Override
    public void write(int offset, int value) {
        if (offset == STATUS) {
            return;
        }
        int commands = (value ^ status) & STICKY | value & (ROOT_POINTER | WRITE_BUFFER);
        carryOut(Integer.highestOneBit(commands), value);
    }

    private void carryOut(int command, int value) {
        switch (command) {
            case TRANSLATION -> {
                status ^= TRANSLATION;
                translating = (status & TRANSLATION) != 0;
                if (!translating) {
                    stopped.run();
                }
            }
            case ROOT_POINTER -> {
                rootPointer.take();
                status |= ROOT_POINTER;
            }
            case WRITE_BUFFER -> {
                if (hasWriteBuffer) {
                    views.flushWriteBuffers();
                }
            }
            case QUEUE -> {
                status ^= QUEUE;
                queue.enable((value & QUEUE) != 0);
            }
            default -> {}
        }
    }
}
