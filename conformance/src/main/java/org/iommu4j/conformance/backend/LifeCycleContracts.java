package org.iommu4j.conformance.backend;

import static org.iommu4j.conformance.backend.TrialContract.must;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Stage;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.conformance.Contract;
import org.iommu4j.machine.SourceId;

/** L: opening, attaching, detaching and closing. */
final class LifeCycleContracts {

    private static final Map<Stage, Feature> STAGES =
            Map.of(
                    Stage.FIRST, Feature.FIRST_STAGE,
                    Stage.SECOND, Feature.SECOND_STAGE,
                    Stage.PASS_THROUGH, Feature.PASS_THROUGH);

    private LifeCycleContracts() {}

    static List<Contract<BackendUnderTest>> all() {
        return List.of(
                must(
                        Rule.L1,
                        "a closed domain has given every page back, and does nothing any more",
                        LifeCycleContracts::aClosedDomainKeepsNothing),
                must(
                        Rule.L1,
                        "a closed Iommu has given every page of every domain back",
                        LifeCycleContracts::aClosedIommuKeepsNothing),
                must(
                        Rule.L2,
                        "a device reaches nothing any more when its detach has returned",
                        LifeCycleContracts::detachStopsTranslation),
                must(
                        Rule.L2,
                        "a domain is not closed while a device is attached",
                        LifeCycleContracts::anAttachedDomainStays),
                must(
                        Rule.L3,
                        "a width, page size or stage that is not there is refused when the domain is"
                                + " made",
                        LifeCycleContracts::whatNoUnitHasIsRefused),
                must(
                        Rule.L3,
                        "an attach that cannot be is refused, and the device can be attached after"
                                + " that",
                        LifeCycleContracts::attachesThatCannotBeAreRefused));
    }

    private static void fill(Trial trial, NotedDomain domain) {
        for (long size : trial.sizes()) {
            domain.map(trial.place() + size, trial.output(), 3 * size, Access.READ);
        }
        long base = trial.place();
        long whole = Math.max(trial.sizes().getLast(), 4 * trial.page());
        domain.map(base, trial.output(), whole, Access.READ);
        domain.unmap(base + whole / 2, trial.page());
        domain.map(base + whole / 2, trial.output(), trial.page(), Access.READ);
    }

    private static void aClosedDomainKeepsNothing(Trial trial) {
        trial.domain().close();
        int before = trial.pages().count();
        for (int i = 0; i < 3; i++) {
            NotedDomain domain = trial.domain();
            fill(trial, domain);
            domain.close();
            requirePages(trial, before, "a domain was closed");
            domain.close();
            requirePages(trial, before, "a domain was closed twice");
            Refusal.of(
                    IllegalStateException.class,
                    "a map in a closed domain",
                    trial.evidence,
                    () -> domain.map(0, trial.output(), trial.page(), Access.READ));
        }
        NotedDomain domain = trial.domain();
        IotlbGather gather = domain.gather();
        long base = trial.place();
        domain.map(base, trial.output(), trial.page(), Access.READ);
        domain.unmap(base, trial.page(), gather);
        domain.flush(gather);
        domain.close();
        requirePages(trial, before, "a domain that was empty was closed");
    }

    private static void requirePages(Trial trial, int before, String after) {
        int now = trial.pages().count();
        trial.evidence.require(
                now == before,
                () ->
                        "after "
                                + after
                                + " "
                                + now
                                + " pages are taken, and "
                                + before
                                + " were before");
    }

    private static void aClosedIommuKeepsNothing(Trial trial) {
        Iommu iommu = trial.iommu();
        for (int i = 0; i < 3; i++) {
            fill(trial, trial.domain());
        }
        LentPages pages = trial.pages();
        trial.evidence.note(pages.count() + " pages are taken; close of the Iommu");
        iommu.close();
        trial.evidence.require(
                pages.count() == 0,
                () -> pages.count() + " pages are taken after the Iommu was closed");
        iommu.close();
        Refusal.of(
                IllegalStateException.class,
                "a new domain of a closed Iommu",
                trial.evidence,
                () -> iommu.createDomain(DomainOptions.defaults()));
    }

    private static void detachStopsTranslation(Trial trial) {
        Bus bus = trial.bus();
        long page = trial.page();
        long frames = bus.frames(page);
        NotedDomain domain = trial.domain();
        long iova = trial.place();
        domain.map(iova, frames, page, Access.READ_WRITE);
        for (int i = 0; i < 4; i++) {
            bus.poke(frames, 0x40 + i);
            Attachment attachment = trial.iommu().attach(bus.source(0), domain.itself());
            bus.requireRead(0, iova, 0x40 + i, "of the domain that it is attached to");
            attachment.close();
            trial.evidence.note("detached");
            requireOut(trial, bus, iova, frames, "after it was detached");
            attachment.close();
        }
        NotedDomain other = trial.domain();
        trial.iommu().attach(bus.source(0), other.itself());
        requireOut(trial, bus, iova, frames, "after it was attached to another domain");
    }

    /** The device may be blocked, or pass untranslated, but must not reach the domain's memory. */
    private static void requireOut(Trial trial, Bus bus, long iova, long frame, String when) {
        long secret = 0x5ec2e7;
        bus.poke(frame, secret);
        long[] word = new long[1];
        boolean read = bus.read(0, iova, word).isDone() && word[0] == secret;
        bus.write(0, iova, 0x666);
        boolean written = bus.peek(frame) != secret;
        trial.evidence.require(
                !read && !written,
                () ->
                        bus.source(0)
                                + " still "
                                + (read ? "reads" : "writes")
                                + " memory that is mapped at "
                                + Hex.of(iova)
                                + ", "
                                + when);
    }

    private static void anAttachedDomainStays(Trial trial) {
        Bus bus = trial.bus();
        long page = trial.page();
        long frames = bus.frames(page);
        NotedDomain domain = trial.domain();
        long iova = trial.place();
        domain.map(iova, frames, page, Access.READ_WRITE);
        Attachment attachment = trial.iommu().attach(bus.source(0), domain.itself());
        Refusal.of(
                IllegalStateException.class,
                "close of a domain that a device is attached to",
                trial.evidence,
                domain::close);
        bus.poke(frames, 0x51);
        bus.requireRead(0, iova, 0x51, "of a domain whose close was refused");
        attachment.close();
        domain.close();
        requireOut(trial, bus, iova, frames, "after the domain was closed");
        NotedDomain last = trial.domain();
        last.map(iova, frames, page, Access.READ_WRITE);
        trial.iommu().attach(bus.source(0), last.itself());
        bus.poke(frames, 0x52);
        bus.requireRead(0, iova, 0x52, "of a new domain");
        trial.iommu().close();
        trial.evidence.note("close of the Iommu");
        requireOut(trial, bus, iova, frames, "after the Iommu was closed");
    }

    private static void whatNoUnitHasIsRefused(Trial trial) {
        int before = trial.pages().count();
        for (int width = 13; width <= 63; width += 2) {
            if (!trial.capabilities().addressWidths().contains(width)) {
                refused(trial, width + " bits", DomainOptions.defaults().withAddressWidth(width));
            }
        }
        for (int shift = 13; shift < 63; shift++) {
            long size = 1L << shift;
            if (!trial.capabilities().hasPageSize(size)) {
                refused(
                        trial,
                        "pages of " + Hex.of(size),
                        DomainOptions.defaults().withPageSizes(size | trial.page()));
            }
        }
        STAGES.forEach((stage, feature) -> {
            if (!trial.capabilities().has(feature)) {
                refused(trial, stage.toString(), DomainOptions.defaults().withStage(stage));
            }
        });
        requirePages(trial, before, "domains that were refused");
    }

    /** A width, or pages, that only some units have may be refused at attach. */
    private static void refused(Trial trial, String what, DomainOptions options) {
        NotedDomain domain;
        try {
            domain = trial.domain(options);
        } catch (IllegalArgumentException | UnsupportedFeatureException e) {
            trial.evidence.note("a domain of " + what + " is refused");
            return;
        }
        boolean alone =
                trial.machine().map(machine -> machine.remappingUnits().size() < 2).orElse(true);
        trial.evidence.require(
                !alone,
                () -> "capabilities() does not have " + what + ", and a domain of it was made");
        Refusal.of(
                RuntimeException.class,
                "to attach all devices to a domain of " + what,
                trial.evidence,
                () -> attachAll(trial, domain));
        domain.close();
    }

    private static void attachAll(Trial trial, NotedDomain domain) {
        Bus bus = trial.bus();
        List<Attachment> attached = new ArrayList<>();
        try {
            for (int i = 0; i < bus.devices(); i++) {
                attached.add(trial.iommu().attach(bus.source(i), domain.itself()));
            }
        } finally {
            attached.forEach(Attachment::close);
        }
    }

    private static void attachesThatCannotBeAreRefused(Trial trial) {
        Bus bus = trial.bus();
        NotedDomain domain = trial.domain();
        SourceId device = bus.source(0);
        SourceId nowhere = new SourceId(0xffff, 0xff, 0x1f, 7);
        if (trial.machine().orElseThrow().remappingUnits().stream()
                .noneMatch(unit -> unit.covers(nowhere))) {
            Refusal.of(
                    IllegalArgumentException.class,
                    "to attach " + nowhere + ", which no unit covers,",
                    trial.evidence,
                    () -> trial.iommu().attach(nowhere, domain.itself()));
        }
        NotedDomain closed = trial.domain();
        closed.close();
        Refusal.of(
                IllegalStateException.class,
                "to attach a device to a closed domain",
                trial.evidence,
                () -> trial.iommu().attach(device, closed.itself()));
        Attachment attachment = trial.iommu().attach(device, domain.itself());
        Refusal.of(
                IllegalStateException.class,
                "to attach a device twice",
                trial.evidence,
                () -> trial.iommu().attach(device, trial.domain().itself()));
        attachment.close();
        try {
            trial.iommu().attach(device, domain.itself());
        } catch (IommuException e) {
            throw trial.evidence.broken(
                    "a device cannot be attached after attaches were refused: " + e);
        }
    }
}
