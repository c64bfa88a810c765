package org.iommu4j.vtd;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.TranslationService;

/** A device with a translation service that only notes what is done to it; it does no DMA. */
final class ScriptedDevice implements Device, TranslationService {

    private final SourceId source;
    private final boolean asks;
    private final List<String> noted;

    ScriptedDevice(SourceId source, boolean asks, List<String> noted) {
        this.source = source;
        this.asks = asks;
        this.noted = noted;
    }

    @Override
    public SourceId source() {
        return source;
    }

    @Override
    public Optional<TranslationService> translationService() {
        return Optional.of(this);
    }

    @Override
    public boolean requestsPages() {
        return asks;
    }

    @Override
    public int invalidationQueueDepth() {
        return 32;
    }

    @Override
    public void enable(int pageRequests) {
        noted.add("on " + pageRequests);
    }

    @Override
    public void disable() {
        noted.add("off");
    }

    @Override
    public DmaOutcome read(long iova, ByteBuffer target) {
        throw new UnsupportedOperationException();
    }

    @Override
    public DmaOutcome write(long iova, ByteBuffer data) {
        throw new UnsupportedOperationException();
    }

    @Override
    public DmaOutcome fetchAndAdd(long iova, long addend, ByteBuffer old) {
        throw new UnsupportedOperationException();
    }
}
