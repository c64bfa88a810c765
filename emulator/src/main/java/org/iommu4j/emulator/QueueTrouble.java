package org.iommu4j.emulator;

/**
 * What goes wrong with a descriptor of the invalidation queue, for tests of how software recovers.
 */
public enum QueueTrouble {
    /** Nothing: the descriptor is carried out. */
    NONE,
    /**
     * The unit takes the descriptor for illegal (FSTS.IQE): the queue stands at it until software
     * clears that, and then asks again.
     */
    QUEUE_ERROR,
    /**
     * A device answers wrongly (FSTS.ICE): the descriptor is carried out, and the queue stands
     * behind it until software clears that.
     */
    COMPLETION_ERROR,
    /**
     * A device does not answer (FSTS.ITE): every wait in the queue up to its tail is dropped
     * without its status being written, the rest is carried out, and the queue stands until
     * software clears that.
     */
    TIMED_OUT,
    /**
     * The unit does not go on, without a word. It asks again a millisecond later where the queue
     * has a thread, else when a register of the queue is accessed.
     */
    STANDS_STILL
}
