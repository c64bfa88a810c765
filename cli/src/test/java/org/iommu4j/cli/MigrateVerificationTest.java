package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.iommu4j.api.DirtySink;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.cli.vm.GuestMemory;
import org.iommu4j.cli.vm.Machines;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.Machine;
import org.junit.jupiter.api.Test;

/** What is lost on purpose is found, and the copy is called by its name: not equal. */
class MigrateVerificationTest {
    private static final int SELDOM = 50;

    /** A device that writes without the unit's knowing: no dirty bit is set. */
    @Test
    void aWriteWithoutADirtyBitIsFound() {
        Machines machines =
                (choice, bytes) ->
                        behindTheUnit(CliComponent.Services.machines().create(choice, bytes));
        assertBroken(migrate(Iommu::open, machines));
    }

    /** A driver that clears a dirty bit, and says nothing. */
    @Test
    void aReportThatForgetsARangeIsFound() {
        IommuOpener forgetful = (backend, options) -> forgetful(Iommu.open(backend, options));
        assertBroken(migrate(forgetful, CliComponent.Services.machines()));
    }

    private static CommandRun migrate(IommuOpener opener, Machines machines) {
        return LongEnough.run(
                0.5,
                seconds ->
                        CommandRun.of(
                                InputStream.nullInputStream(),
                                opener,
                                machines,
                                "migrate",
                                "--memory",
                                "8m",
                                "--seconds",
                                Double.toString(seconds),
                                "--granularity",
                                "4k"),
                run -> run.exitCode() != 0);
    }

    private static void assertBroken(CommandRun run) {
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).as(run.out()).isEqualTo(1);
        assertThat(run.out())
                .containsPattern("(?m)^copy equal +NO$")
                .containsPattern("(?m)^differing pages +[1-9]")
                .containsPattern("the copy has .*, not version [0-9]+ of 0x")
                .contains("BROKEN: the copy differs from the source");
    }

    private static Machine behindTheUnit(Machine machine) {
        List<Device> devices =
                machine.devices().stream().map(device -> behindTheUnit(machine, device)).toList();
        return proxy(
                Machine.class,
                (method, arguments) ->
                        method.getName().equals("devices")
                                ? devices
                                : invoke(machine, method, arguments));
    }

    private static Device behindTheUnit(Machine machine, Device device) {
        AtomicInteger turn = new AtomicInteger();
        return proxy(
                Device.class,
                (method, arguments) -> {
                    if (!method.getName().equals("write") || turn.incrementAndGet() % SELDOM != 0) {
                        return invoke(device, method, arguments);
                    }
                    long frame = GuestMemory.home((long) arguments[0]);
                    ByteBuffer words = (ByteBuffer) arguments[1];
                    while (words.hasRemaining()) {
                        int at = words.position();
                        machine.memory().storePlain(frame + at, words.getLong());
                    }
                    return DmaOutcome.DONE;
                });
    }

    private static Iommu forgetful(Iommu iommu) {
        IommuDomain[] real = new IommuDomain[1];
        return proxy(
                Iommu.class,
                (method, arguments) -> {
                    if (method.getName().equals("attach")) {
                        arguments[arguments.length - 1] = real[0];
                    }
                    Object result = invoke(iommu, method, arguments);
                    if (result instanceof IommuDomain domain) {
                        real[0] = domain;
                        return forgetful(domain);
                    }
                    return result;
                });
    }

    private static IommuDomain forgetful(IommuDomain domain) {
        return proxy(
                IommuDomain.class,
                (method, arguments) -> {
                    Object result = invoke(domain, method, arguments);
                    return result instanceof DirtyTracking tracking ? forgetful(tracking) : result;
                });
    }

    private static DirtyTracking forgetful(DirtyTracking tracking) {
        AtomicInteger turn = new AtomicInteger();
        return proxy(
                DirtyTracking.class,
                (method, arguments) -> {
                    if (method.getName().equals("readAndClear")) {
                        DirtySink sink = (DirtySink) arguments[2];
                        arguments[2] =
                                (DirtySink)
                                        (iova, size) -> {
                                            if (turn.incrementAndGet() % SELDOM != 0) {
                                                sink.dirty(iova, size);
                                            }
                                        };
                    }
                    return invoke(tracking, method, arguments);
                });
    }

    private static <T> T proxy(Class<T> type, Changed changed) {
        InvocationHandler handler = (proxy, method, arguments) -> changed.call(method, arguments);
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    private static Object invoke(Object real, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** What is called instead of what is real. */
    private interface Changed {
        Object call(Method method, Object[] arguments) throws Throwable;
    }
}
