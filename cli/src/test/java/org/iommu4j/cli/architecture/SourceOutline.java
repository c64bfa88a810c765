package org.iommu4j.cli.architecture;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The methods of a Java source file and how many lines each takes, by its braces alone: enough to
 * hold a limit, and no parser.
 */
final class SourceOutline {

    /**
     * A method, a constructor or an initializer.
     *
     * @param line where it begins, the first line being 1
     * @param lines how many lines it takes, from its first annotation or modifier to its last brace
     */
    record Method(int line, int lines) {}

    private enum Block {
        TYPE,
        METHOD,
        OTHER
    }

    private record Open(Block block, int line, int parentheses) {}

    private static final Pattern TEXT =
            Pattern.compile(
                    "(?s)/\\*.*?\\*/|//[^\\n]*|\"\"\".*?(?<!\\\\)\"\"\""
                            + "|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\\\n])+'");
    private static final Pattern ARRAY_IN_ANNOTATION =
            Pattern.compile("@\\w+\\s*\\([^(){}]*\\{[^{}]*\\}\\s*\\)");
    private static final Pattern TYPE =
            Pattern.compile("(?s)(^|.*\\s)(class|interface|@interface|enum|record)\\s+\\w+.*");
    private static final Pattern ANONYMOUS =
            Pattern.compile("(?s).*\\bnew\\s+[\\w.<>?,\\s@]+\\(.*\\)\\s*");

    private final List<Method> methods = new ArrayList<>();
    private final Deque<Open> open = new ArrayDeque<>();

    private SourceOutline(String source) {
        /* Comments, literals and annotations may hold braces: of them only the ends of lines are kept. */
        String code = blank(ARRAY_IN_ANNOTATION, "_", blank(TEXT, " ", source));
        int line = 1;
        int parentheses = 0;
        int headerFrom = 0;
        int headerLine = 0;
        for (int i = 0; i < code.length(); i++) {
            char c = code.charAt(i);
            line += c == '\n' ? 1 : 0;
            parentheses += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (headerLine == 0 && !Character.isWhitespace(c)) {
                headerLine = line;
            }
            if (c == '{') {
                open.push(new Open(kind(code.substring(headerFrom, i)), headerLine, parentheses));
                parentheses = 0;
            } else if (c == '}') {
                parentheses = close(line);
            }
            if (c == '{' || c == '}' || c == ';' && parentheses == 0) {
                headerFrom = i + 1;
                headerLine = 0;
            }
        }
        if (!open.isEmpty()) {
            throw new IllegalArgumentException("the braces of this source do not match");
        }
    }

    /** The methods in the order in which they end. */
    static List<Method> methods(String source) {
        return new SourceOutline(source).methods;
    }

    private static String blank(Pattern pattern, String with, String source) {
        return pattern.matcher(source)
                .replaceAll(found -> found.group().replaceAll("[^\\n]", with));
    }

    private Block kind(String header) {
        if (TYPE.matcher(header).matches() || ANONYMOUS.matcher(header).matches()) {
            return Block.TYPE;
        }
        boolean inType = !open.isEmpty() && open.peek().block() == Block.TYPE;
        boolean isValue = header.replaceAll("(?s)@\\w+\\s*\\([^)]*\\)", "").contains("=");
        return inType && !isValue ? Block.METHOD : Block.OTHER;
    }

    private int close(int line) {
        Open closed = open.pop();
        if (closed.block() == Block.METHOD) {
            methods.add(new Method(closed.line(), line - closed.line() + 1));
        }
        return closed.parentheses();
    }
}
