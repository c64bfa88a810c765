package org.iommu4j.inspector;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.iommu4j.api.Access;
import org.iommu4j.walker.PageTableFormat;

/**
 * The different entries of a page but for their addresses: there are few, so that each is decoded
 * once, here, and a leaf names it by a number.
 */
final class EntryKinds {
    /** A page numbers them by 16 bits; what is beyond is shown without its bits. */
    private static final int MAX_KINDS = 1 << 15;

    private static final int WRITE = 2;

    private record Kind(
            String bits,
            String words,
            List<Field> fields,
            int rights,
            boolean accessed,
            boolean dirty) {}

    private record Field(String name, String value, String meaning, boolean bad) {}

    private final Map<List<Object>, Integer> numbers = new LinkedHashMap<>();
    private final List<Kind> kinds = new ArrayList<>();

    EntryKinds() {
        for (int rights = 0; rights < 4; rights++) {
            kinds.add(new Kind("", "", List.of(), rights, false, false));
        }
    }

    /** The number of an entry that was read from a table. */
    int ofEntry(
            PageTableFormat format,
            boolean first,
            int level,
            boolean leaf,
            long entry,
            int rights) {
        long address = leaf ? format.leafAddressMask(level) : format.addressMask();
        long bits = entry & ~address;
        int row = leaf ? level == 0 ? 0 : 1 : level > 2 ? 3 : 2;
        return number(
                List.of(first, row, bits, rights),
                rights,
                () -> decoded(format, first, level, leaf, bits, rights));
    }

    /** The number of a leaf of which only the access is known. */
    int ofAccess(Access access) {
        int rights = (access.readable() ? 1 : 0) | (access.writable() ? WRITE : 0);
        return number(
                List.of(access),
                rights,
                () -> new Kind("", access.toString(), List.of(), rights, false, false));
    }

    /** The number of an entry of which nothing is known but what it allows. */
    int ofRights(int rights) {
        return rights;
    }

    void write(JsonGenerator json) throws IOException {
        json.writeStartArray();
        for (Kind kind : kinds) {
            json.writeStartObject();
            if (kind.bits().isEmpty()) {
                json.writeNullField("bits");
            } else {
                json.writeStringField("bits", kind.bits());
            }
            json.writeStringField("words", kind.words());
            json.writeNumberField("rights", kind.rights());
            json.writeBooleanField("accessed", kind.accessed());
            json.writeBooleanField("dirty", kind.dirty());
            json.writeArrayFieldStart("fields");
            for (Field field : kind.fields()) {
                json.writeStartArray();
                json.writeString(field.name());
                json.writeString(field.value());
                json.writeString(field.meaning());
                json.writeBoolean(field.bad());
                json.writeEndArray();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private int number(List<Object> key, int rights, Supplier<Kind> kind) {
        Integer known = numbers.get(key);
        if (known != null) {
            return known;
        }
        if (kinds.size() == MAX_KINDS) {
            return rights & 3;
        }
        numbers.put(key, kinds.size());
        kinds.add(kind.get());
        return kinds.size() - 1;
    }

    private static Kind decoded(
            PageTableFormat format, boolean first, int level, boolean leaf, long bits, int rights) {
        List<Field> fields = new ArrayList<>();
        for (BitField field : EntryBits.fields(first, level, leaf)) {
            long value = field.in(bits);
            if (value != 0) {
                String shown = Long.bitCount(field.mask()) > 1 ? "= " + Hex.of(value) : "";
                fields.add(new Field(field.name(), shown, field.meaning(), false));
            }
        }
        long reserved = bits & EntryBits.reserved(first, level, leaf, 52);
        if (reserved != 0) {
            fields.add(new Field("reserved", Hex.of(reserved), "must be 0", true));
        }
        return new Kind(
                Hex.of(bits),
                EntryBits.words(bits, first, level, leaf),
                fields,
                rights & 3,
                (bits & format.accessedMask()) != 0,
                leaf && (bits & format.dirtyMask()) != 0);
    }
}
