package org.iommu4j.pagetable.event;

import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.MemoryAddress;

/** Pages that became tables, or were some. */
abstract class TableEvent extends Event {

    @Label("Root table")
    @Description("The physical address of the root table, by which domains are told apart")
    @MemoryAddress
    long root;

    @Label("Count")
    @Description("How many pages")
    int count;

    @Label("Table pages")
    @Description("How many the domain has now")
    long tablePages;

    final void happened(long tree, int pages, long left) {
        root = tree;
        count = pages;
        tablePages = left;
        commit();
    }
}
