package org.iommu4j.conformance.backend;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.conformance.Contract;
import org.iommu4j.conformance.Evidence;

/** Makes contracts of what is tried on an opened backend. */
final class TrialContract {

    /** What a contract tries. */
    @FunctionalInterface
    interface Body {

        /**
         * Tries the backend. Returning means that the contract was kept.
         *
         * @param trial the backend, its machine, and what the kit sees of them
         * @throws Exception whatever the backend throws: the contract is broken then
         */
        void run(Trial trial) throws Exception;
    }

    private static final long LONG_SECONDS = 60;

    private TrialContract() {}

    static Contract<BackendUnderTest> must(Rule rule, String sentence, Body body) {
        return new Contract<>(
                rule.name(),
                sentence,
                (subject, evidence) -> run(rule.name(), body, subject, evidence));
    }

    static Contract<BackendUnderTest> should(Rule rule, String sentence, Body body) {
        return Contract.should(
                rule.name(),
                sentence,
                (subject, evidence) -> run(rule.name(), body, subject, evidence));
    }

    /** On a thread of its own, because a backend that is wrong may never come back. */
    private static void run(String rule, Body body, BackendUnderTest subject, Evidence evidence)
            throws Exception {
        FutureTask<Boolean> task =
                new FutureTask<>(() -> {
                    tryOut(rule, body, subject, evidence);
                    return true;
                });
        Thread thread = Thread.ofPlatform().name("trial of " + rule).daemon().start(task);
        try {
            task.get(LONG_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            for (StackTraceElement frame : thread.getStackTrace()) {
                evidence.note("    at " + frame);
            }
            throw evidence.broken("it had not ended after " + LONG_SECONDS + " s");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }

    private static void tryOut(String rule, Body body, BackendUnderTest subject, Evidence evidence)
            throws Exception {
        Trial trial = new Trial(subject, evidence);
        boolean kept = false;
        try {
            body.run(trial);
            kept = true;
            trial.finish(rule);
        } catch (UnsupportedFeatureException e) {
            throw unsupported(e, trial);
        } finally {
            if (!kept) {
                trial.noteFindings();
            }
            trial.abandon();
        }
    }

    /** A feature that is missing is no fault, unless the backend says that it is there. */
    private static RuntimeException unsupported(UnsupportedFeatureException e, Trial trial) {
        String message = "the capability " + e.feature() + " is missing: " + e.getMessage();
        return trial.claims(e.feature())
                ? trial.evidence.broken(
                        "capabilities() has " + e.feature() + ", and: " + e.getMessage())
                : trial.evidence.skip(message);
    }
}
