package org.iommu4j.cli;

import java.text.MessageFormat;
import java.util.ResourceBundle;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/** Sends what libraries log by {@link System.Logger} to the log of the command. */
public final class LoggersOfLibraries extends System.LoggerFinder {
    /** Made by the ServiceLoader. */
    public LoggersOfLibraries() {}

    @Override
    public System.Logger getLogger(String name, Module module) {
        return new LibraryLogger(LogManager.getLogger(name));
    }

    /** A logger of a library, by the logger of the command. */
    private record LibraryLogger(Logger target) implements System.Logger {
        @Override
        public String getName() {
            return target.getName();
        }

        @Override
        public boolean isLoggable(Level level) {
            return target.isEnabled(of(level));
        }

        @Override
        public void log(
                Level level,
                @Nullable ResourceBundle bundle,
                @Nullable String message,
                @Nullable Throwable thrown) {
            target.log(of(level), message, thrown);
        }

        @Override
        public void log(
                Level level,
                @Nullable ResourceBundle bundle,
                @Nullable String format,
                @Nullable Object @Nullable ... values) {
            boolean plain = format == null || values == null || values.length == 0;
            target.log(of(level), () -> plain ? format : MessageFormat.format(format, values));
        }

        private static org.apache.logging.log4j.Level of(Level level) {
            return level == Level.WARNING
                    ? org.apache.logging.log4j.Level.WARN
                    : org.apache.logging.log4j.Level.valueOf(level.name());
        }
    }
}
