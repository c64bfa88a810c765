package org.iommu4j.cli;

/** A fixed piece of text of at most eight characters, compared in one step. */
final class Word {
    private final int length;
    private final long characters;
    private final long mask;

    /**
     * Makes a word.
     *
     * @param text one to eight ASCII characters, none of them a line feed
     */
    Word(String text) {
        length = text.length();
        mask = -1L >>> (Long.BYTES - length) * Byte.SIZE;
        long packed = 0;
        for (int i = 0; i < length; i++) {
            packed |= (long) text.charAt(i) << i * Byte.SIZE;
        }
        characters = packed;
    }

    int length() {
        return length;
    }

    char first() {
        return (char) (characters & 0x7f);
    }

    boolean isAt(byte[] bytes, int at) {
        return (Bytes.load(bytes, at) & mask) == characters;
    }
}
