"use strict";
/* The tree of tables: opened where somebody looks, a hundred children at a time, moved in by the keyboard as the
   accessibility guidelines describe a tree. */

const CHILDREN_AT_ONCE = 100;

class TableTree {
  constructor(root, model) {
    this.root = root;
    this.model = model;
    root.addEventListener("keydown", event => this.key(event));
  }

  show(space, state) {
    this.space = space;
    this.state = state;
    this.root.replaceChildren();
    if (!space.tables.count) return;
    const item = this.item(this.model.table(state, 0));
    item.tabIndex = 0;
    this.root.append(item);
    this.open(item);
  }

  item(entry) {
    const item = document.createElement("li");
    item.setAttribute("role", "treeitem");
    item.tabIndex = -1;
    item.entry = entry;
    const row = document.createElement("div");
    row.className = "row";
    const twist = element("span", "twist", entry.table === undefined ? "" : "▸");
    row.append(twist);
    if (entry.table === undefined) row.append(swatch(this.model.colourOf(entry)));
    row.append(element("span", "words hex", words(entry)));
    item.append(row);
    if (entry.table !== undefined) item.setAttribute("aria-expanded", "false");
    row.addEventListener("click", () => { this.focus(item); this.model.select(entry); this.toggle(item); });
    row.addEventListener("pointerenter", () => this.model.preview(entry));
    row.addEventListener("pointerleave", () => this.model.preview(null));
    item.addEventListener("focus", () => this.model.preview(entry));
    return item;
  }

  toggle(item) {
    if (item.getAttribute("aria-expanded") === "true") this.close(item);
    else if (item.hasAttribute("aria-expanded")) this.open(item);
  }

  open(item) {
    if (item.getAttribute("aria-expanded") !== "false") return;
    item.setAttribute("aria-expanded", "true");
    item.querySelector(".twist").textContent = "▾";
    const list = document.createElement("ul");
    list.setAttribute("role", "group");
    item.append(list);
    this.more(list, this.children(item.entry.table));
  }

  close(item) {
    item.setAttribute("aria-expanded", "false");
    item.querySelector(".twist").textContent = "▸";
    item.querySelector("ul").remove();
  }

  more(list, children) {
    for (let i = 0; i < CHILDREN_AT_ONCE; i++) {
      const next = children.next();
      if (next.done) return;
      list.append(this.item(next.value));
    }
    const rest = document.createElement("li");
    const button = element("button", "", "Show more");
    button.type = "button";
    button.addEventListener("click", () => { rest.remove(); this.more(list, children); });
    rest.append(button);
    list.append(rest);
  }

  /** What a table holds in order of address: tables below it, and runs of its own leaves. */
  *children(table) {
    const { tables, runs } = this.space, level = tables.level[table];
    const end = tables.page[table] + this.space.tablePages(table);
    let page = tables.page[table], child = table + 1;
    for (;;) {
      const run = this.space.runFrom(page);
      const startOfRun = run < runs.count ? Math.max(page, runs.page[run]) : Infinity;
      const startOfTable = child < tables.end[table] ? tables.page[child] : Infinity;
      if (startOfTable <= startOfRun && startOfTable < end) {
        yield this.model.table(this.state, child);
        page = startOfTable + this.space.tablePages(child);
        child = tables.end[child];
      } else if (startOfRun < end) {
        const span = this.space.span(level);
        const first = (startOfRun - runs.page[run]) / span;
        const pages = Math.min(this.space.endOf(run), end) - startOfRun;
        yield this.model.leaf(this.state, run, first, pages / span);
        page = startOfRun + pages;
      } else {
        return;
      }
    }
  }

  /** Opens the way to an entry and marks it. */
  reveal(entry) {
    this.root.querySelector("[aria-selected]")?.removeAttribute("aria-selected");
    let item = this.root.firstElementChild;
    while (item) {
      if (item.entry.table !== undefined && item.entry.table === entry.table) break;
      this.open(item);
      const next = this.childFor(item.querySelector(":scope > ul"), entry);
      if (!next) break;
      item = next;
    }
    if (!item) return;
    item.setAttribute("aria-selected", "true");
    const box = this.root.getBoundingClientRect(), row = item.firstElementChild.getBoundingClientRect();
    if (row.top < box.top || row.bottom > box.bottom) this.root.scrollTop += row.top - box.top - box.height / 3;
  }

  /** The child that covers an entry, shown if it was not yet. */
  childFor(list, entry) {
    for (;;) {
      const found = [...(list?.children ?? [])].find(child => child.entry && covers(child.entry, entry));
      const more = list?.querySelector(":scope > li > button");
      if (found || !more) return found;
      more.click();
    }
  }

  focus(item) {
    this.root.querySelectorAll('[tabindex="0"]').forEach(other => { other.tabIndex = -1; });
    item.tabIndex = 0;
    item.focus({ preventScroll: false });
  }

  key(event) {
    const item = event.target.closest('[role="treeitem"]');
    if (!item || event.target.tagName === "BUTTON") return;
    const all = [...this.root.querySelectorAll('[role="treeitem"]')], at = all.indexOf(item);
    const expanded = item.getAttribute("aria-expanded");
    const moves = {
      ArrowDown: () => all[at + 1],
      ArrowUp: () => all[at - 1],
      Home: () => all[0],
      End: () => all.at(-1),
      ArrowRight: () => expanded === "false" ? this.open(item) : expanded ? all[at + 1] : null,
      ArrowLeft: () => expanded === "true" ? this.close(item) : item.parentElement.closest('[role="treeitem"]'),
      Enter: () => { this.model.select(item.entry); },
      " ": () => { this.model.select(item.entry); },
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    const next = moves[event.key]();
    if (next) this.focus(next);
  }
}

function covers(outer, inner) {
  return outer.page <= inner.page && inner.page + inner.pages <= outer.page + outer.pages;
}

/** One line about an entry. */
function words(entry) {
  if (entry.table !== undefined) {
    const where = entry.address === null ? "" : ` at ${hexOfPage(entry.address)}`;
    return `level ${entry.level} table${where} · ${hexOfPage(entry.page)} + ${sizeOfPages(entry.pages)}`;
  }
  const count = entry.leaves > 1 ? `${numbers.format(entry.leaves)} × ` : "";
  return `${count}${SIZE_WORDS[entry.level]} · ${hexOfPage(entry.page)} → ${hexOfPage(entry.output)}`;
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

function swatch(colour) {
  const made = element("i", "swatch");
  made.style.background = `var(${colour})`;
  return made;
}
