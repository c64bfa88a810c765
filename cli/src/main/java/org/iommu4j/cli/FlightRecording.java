package org.iommu4j.cli;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import jdk.jfr.Configuration;
import jdk.jfr.Recording;
import jdk.jfr.RecordingState;

/**
 * A flight recording of a run with the settings that the project ships; it is written when it is
 * closed, or when the process is ended.
 */
final class FlightRecording implements AutoCloseable {
    private static final String SETTINGS = "/iommu4j.jfc";

    private final Recording recording;

    private FlightRecording(Recording recording) {
        this.recording = recording;
    }

    /**
     * Begins to record.
     *
     * @param file where it will be written
     * @throws IOException if nothing can be written there
     */
    static FlightRecording into(Path file) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null && !Files.isDirectory(folder)) {
            throw new FileNotFoundException("there is no folder " + folder);
        }
        Recording recording = new Recording(settings());
        try {
            recording.setName("iommu4j");
            recording.setToDisk(true);
            recording.setDumpOnExit(true);
            recording.setDestination(file);
        } catch (IOException e) {
            recording.close();
            throw e;
        }
        recording.start();
        return new FlightRecording(recording);
    }

    private static Configuration settings() throws IOException {
        try (InputStream stream = FlightRecording.class.getResourceAsStream(SETTINGS)) {
            if (stream == null) {
                throw new IllegalStateException("the module has no " + SETTINGS);
            }
            Reader reader = new InputStreamReader(stream, StandardCharsets.UTF_8);
            return Configuration.create(reader);
        } catch (ParseException e) {
            throw new IllegalStateException(SETTINGS + " cannot be read", e);
        }
    }

    @Override
    public void close() {
        if (recording.getState() == RecordingState.RUNNING) {
            recording.stop();
        }
        recording.close();
    }
}
