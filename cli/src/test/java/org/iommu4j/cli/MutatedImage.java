package org.iommu4j.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * A real image, made small by leaving out pages of zeros, and damaged as a seed says: bits flipped,
 * entries that point anywhere or back, tables of random words, headers that lie, the end cut off.
 */
final class MutatedImage {

    private static final int PAGE = 4096;
    private static final int ELF_HEADER = 64;
    private static final int PROGRAM_HEADER = 56;
    private static final int LIME_HEADER = 32;

    private static final List<String> KINDS =
            List.of(
                    "a bit",
                    "a random word",
                    "a pointer to another table",
                    "a pointer to its own table",
                    "random words in the page",
                    "pointers everywhere in the page",
                    "a copy of another table");

    private final SortedMap<Long, byte[]> pages = new TreeMap<>();

    /** Reads the pages that are not all zeros. */
    MutatedImage(Path raw) throws IOException {
        byte[] page = new byte[PAGE];
        byte[] zeros = new byte[PAGE];
        try (var in = Files.newInputStream(raw)) {
            for (long at = 0; in.readNBytes(page, 0, PAGE) == PAGE; at += PAGE) {
                if (!Arrays.equals(page, zeros)) {
                    pages.put(at, page.clone());
                }
            }
        }
    }

    /** Writes it, damaged; returns what was done, in words. */
    String write(SplittableRandom random, Path file) throws IOException {
        SortedMap<Long, byte[]> damaged = new TreeMap<>();
        pages.forEach((at, page) -> damaged.put(at, page.clone()));
        List<String> done = new ArrayList<>();
        List<Long> places = List.copyOf(damaged.keySet());
        for (int count = 1 + random.nextInt(random.nextBoolean() ? 3 : 40); count > 0; count--) {
            done.add(damage(random, places, damaged));
        }
        byte[] bytes =
                random.nextBoolean() ? elf(damaged) : lime(damaged, random.nextBoolean(), random);
        if (random.nextInt(4) == 0) {
            int at = random.nextInt(8) == 0 ? random.nextInt(bytes.length) : random.nextInt(200);
            bytes[at] = (byte) random.nextInt();
            done.add("byte " + at + " of the file");
        }
        int length = random.nextInt(4) == 0 ? random.nextInt(bytes.length + 1) : bytes.length;
        done.add(length + " bytes");
        Files.write(file, Arrays.copyOf(bytes, length));
        return done.toString();
    }

    private static String damage(
            SplittableRandom random, List<Long> places, SortedMap<Long, byte[]> damaged) {
        long place = places.get(random.nextInt(places.size()));
        ByteBuffer page = ByteBuffer.wrap(damaged.get(place)).order(ByteOrder.LITTLE_ENDIAN);
        int slot = used(random, page);
        long entry = page.getLong(slot);
        long other = places.get(random.nextInt(places.size()));
        int kind = random.nextInt(7);
        switch (kind) {
            case 0 -> page.putLong(slot, entry ^ 1L << random.nextInt(Long.SIZE));
            case 1 -> page.putLong(slot, random.nextLong());
            case 2 -> page.putLong(slot, entry & 0xfff | other);
            case 3 -> page.putLong(slot, entry & 0xfff | place);
            case 4 -> random.nextBytes(damaged.get(place));
            case 5 -> {
                for (int i = 0; i < PAGE; i += Long.BYTES) {
                    long to = places.get(random.nextInt(places.size()));
                    page.putLong(i, to | random.nextInt(8));
                }
            }
            default -> page.put(0, damaged.get(other));
        }
        return KINDS.get(kind) + " at 0x" + Long.toHexString(place + slot);
    }

    /** An entry that is not 0, if a few attempts find one: what is not used is not interesting. */
    private static int used(SplittableRandom random, ByteBuffer page) {
        int slot = random.nextInt(PAGE / Long.BYTES) * Long.BYTES;
        for (int i = 0; i < PAGE && page.getLong(slot) == 0; i += Long.BYTES) {
            slot = (slot + Long.BYTES) % PAGE;
        }
        return slot;
    }

    private static byte[] elf(SortedMap<Long, byte[]> pages) {
        int headers = ELF_HEADER + pages.size() * PROGRAM_HEADER;
        ByteBuffer file =
                ByteBuffer.allocate(headers + pages.size() * PAGE).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(0, 0x464c457f).put(4, (byte) 2).put(5, (byte) 1).putShort(16, (short) 4);
        file.putLong(0x20, ELF_HEADER).putShort(0x36, (short) PROGRAM_HEADER);
        file.putShort(0x38, (short) pages.size());
        int header = ELF_HEADER;
        int offset = headers;
        for (var page : pages.entrySet()) {
            file.putInt(header, 1).putLong(header + 8, offset);
            file.putLong(header + 0x18, page.getKey());
            file.putLong(header + 0x20, PAGE).putLong(header + 0x28, PAGE);
            file.put(offset, page.getValue());
            header += PROGRAM_HEADER;
            offset += PAGE;
        }
        return file.array();
    }

    private static byte[] lime(
            SortedMap<Long, byte[]> pages, boolean shuffled, SplittableRandom random) {
        List<Long> order = new ArrayList<>(pages.keySet());
        for (int i = order.size() - 1; shuffled && i > 0; i--) {
            order.set(i, order.set(random.nextInt(i + 1), order.get(i)));
        }
        ByteBuffer file =
                ByteBuffer.allocate(pages.size() * (LIME_HEADER + PAGE))
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (long at : order) {
            file.putInt(0x4c694d45).putInt(1).putLong(at).putLong(at + PAGE - 1).putLong(0);
            file.put(pages.get(at));
        }
        return file.array();
    }
}
