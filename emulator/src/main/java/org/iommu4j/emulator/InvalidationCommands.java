package org.iommu4j.emulator;

/**
 * Invalidation through registers: the context command register, the invalidate-address register and
 * the IOTLB register. While the queue is on, commands are not carried out, which the granularity
 * that they report says. Calls come one at a time.
 */
final class InvalidationCommands implements RegisterBlock {

    /** Offset of the context command register. */
    static final int CONTEXT = 0x28;

    private static final int ADDRESS = Capabilities.IOTLB;
    private static final int IOTLB = ADDRESS + 8;

    private static final int GO = 1 << 31;
    /* In the upper words of the two command registers. */
    private static final int CONTEXT_WANTED = 29;
    private static final int CONTEXT_DONE = 27;
    private static final int IOTLB_WANTED = 28;
    private static final int IOTLB_DONE = 25;
    private static final int DRAIN_READS = 1 << 17;
    private static final int DRAIN_WRITES = 1 << 16;
    private static final long LEAVES_ONLY = 1 << 6;

    private final Capabilities capabilities;
    private final Invalidations invalidations;
    private final InvalidationQueue queue;
    private long context;
    private long address;
    private long iotlb;

    InvalidationCommands(
            Capabilities capabilities, Invalidations invalidations, InvalidationQueue queue) {
        this.capabilities = capabilities;
        this.invalidations = invalidations;
        this.queue = queue;
    }

    @Override
    public int read(int offset) {
        return switch (offset) {
            case CONTEXT, CONTEXT + 4 -> RegisterBlock.half(offset, context);
            case IOTLB, IOTLB + 4 -> RegisterBlock.half(offset, iotlb);
            default -> 0; // the address register can only be written
        };
    }

    @Override
    public void write(int offset, int value) {
        switch (offset) {
            case CONTEXT -> context = RegisterBlock.withHalf(offset, context, value);
            case CONTEXT + 4 -> {
                int done = (value & GO) == 0 ? 0 : contexts(value);
                context = RegisterBlock.withHalf(offset, context, done(value, CONTEXT_DONE, done));
            }
            case ADDRESS, ADDRESS + 4 -> address = RegisterBlock.withHalf(offset, address, value);
            case IOTLB + 4 -> {
                int done = (value & GO) == 0 ? 0 : translations(value);
                iotlb = RegisterBlock.withHalf(offset, iotlb, done(value, IOTLB_DONE, done));
            }
            default -> {}
        }
    }

    /* Returns the granularity of what was done. */
    private int contexts(int command) {
        int granularity = command >>> CONTEXT_WANTED & 3;
        if (queue.isEnabled() || granularity == 0) {
            return 0;
        }
        int domain = (int) context & 0xffff;
        int source = (int) (context >>> 16) & 0xffff;
        invalidations.contexts(granularity, domain, source, command & 3);
        invalidations.await();
        return granularity;
    }

    private int translations(int command) {
        int granularity = command >>> IOTLB_WANTED & 3;
        int mask = (int) address & 0x3f;
        if (granularity == Descriptor.SELECTIVE && !capabilities.pageSelective()) {
            granularity = Descriptor.DOMAIN;
        }
        boolean isTooLarge =
                granularity == Descriptor.SELECTIVE && mask > capabilities.maxAddressMask();
        if (queue.isEnabled() || granularity == 0 || isTooLarge) {
            return 0;
        }
        invalidations.drain((command & DRAIN_READS) != 0, (command & DRAIN_WRITES) != 0);
        invalidations.translations(
                granularity,
                command & 0xffff,
                address & ~0xfffL,
                mask,
                (address & LEAVES_ONLY) != 0);
        invalidations.await();
        return granularity;
    }

    /* The command as it reads afterwards: no more under way, with what was done. */
    private static int done(int command, int position, int granularity) {
        return command & ~GO & ~(3 << position) | granularity << position;
    }
}
