package org.iommu4j.emulator;

import org.jspecify.annotations.Nullable;

/** The pages that are tables, or were: whose, since when. Any thread may call any method. */
final class TablePages {

    /** What a page is. */
    enum State {
        /** A table that can be reached from its root. */
        LINKED,
        /** A table that was unlinked, and the hardware may know it still. */
        UNLINKED,
        /** No table: somebody else's, or nobody's. */
        RETURNED
    }

    /**
     * What a page is, and since when.
     *
     * @param state what it is
     * @param root the root of the tables it belongs to or belonged to
     * @param linked when it was linked last
     * @param since when it came to be what it is
     * @param isRecycled true if it was a table before it was linked last
     */
    record Life(State state, long root, long linked, long since, boolean isRecycled) {}

    /** One page. */
    static final class Page {

        /** Its physical address. */
        final long address;

        private volatile @Nullable Life life;
        private volatile long parentSlot;
        private volatile int level;
        private volatile long iova;

        Page(long address) {
            this.address = address;
        }

        /** {@return what it is; null if it never was a table} */
        @Nullable Life life() {
            return life;
        }

        boolean isLinked() {
            Life now = life;
            return now != null && now.state == State.LINKED;
        }

        /** It is about to be linked. */
        void link(long root, long moment) {
            boolean recycled = life != null;
            parentSlot = 0;
            level = -1;
            life = new Life(State.LINKED, root, moment, moment, recycled);
        }

        /** It ends being what it was. */
        void end(State state, long root, long moment) {
            Life before = life;
            life = new Life(state, root, before == null ? 0 : before.linked, moment, true);
        }

        /** Its place was told by the entry that points to it. */
        void pointedToBy(long slot) {
            if (parentSlot == 0) {
                parentSlot = slot;
            }
        }
    }

    private final PageArray<Page> pages;

    /**
     * Knows no table yet.
     *
     * @param start where the memory for tables begins
     * @param bytes its size
     */
    TablePages(long start, long bytes) {
        this.pages = new PageArray<>(start, bytes, Page::new);
    }

    /** {@return true if an address is in the memory for tables} */
    boolean contains(long address) {
        return pages.contains(address);
    }

    /** {@return the page of an address, or null if nothing was ever said of it} */
    @Nullable Page find(long address) {
        return pages.find(address);
    }

    /** {@return the page of an address in the memory for tables} */
    Page of(long address) {
        return pages.of(address);
    }

    /**
     * Finds out where a linked page stands in its tables.
     *
     * @param page the page
     * @param levels how many levels its tables have
     * @return true if that is known: {@link #levelOf} and {@link #iovaOf} tell
     */
    boolean locate(Page page, int levels) {
        if (page.level >= 0) {
            return true;
        }
        Life life = page.life;
        if (life == null || levels == 0) {
            return false;
        }
        if (page.address == life.root) {
            page.iova = 0;
            page.level = levels - 1;
            return true;
        }
        long slot = page.parentSlot;
        Page parent = slot == 0 ? null : pages.find(slot);
        if (parent == null || !locate(parent, levels) || parent.level == 0) {
            return false;
        }
        page.iova = iovaOf(parent, slot);
        page.level = parent.level - 1;
        return true;
    }

    /** {@return the level of a page that was located} */
    static int levelOf(Page page) {
        return page.level;
    }

    /** {@return the first address that an entry of a located page decides} */
    static long iovaOf(Page page, long slot) {
        long index = (slot - page.address) / Long.BYTES;
        return page.iova + index * EntryFormat.span(page.level);
    }
}
