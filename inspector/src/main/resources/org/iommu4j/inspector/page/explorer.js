"use strict";
/* Puts the page together: what is shown, what is selected, what the controls do. */

const $ = id => document.getElementById(id);

class Explorer {
  constructor(facts, states) {
    this.facts = facts;
    this.states = states;
    this.attributes = facts.attributes;
    this.colour = "size";
    this.selected = null;
    this.matches = [];
    this.changes = [];
    this.map = new AddressMap($("map"), this);
    this.tree = new TableTree($("tree"), this);
    this.headings();
    this.controls();
    this.showSpace(facts.first);
  }

  /* What the map, the tree and the details ask for. */

  leaf(state, run, first, leaves = 1) {
    const space = this.spaces[state], { runs } = space, level = runs.level[run], span = space.span(level);
    return {
      state, run, first, leaves, level, page: runs.page[run] + first * span, pages: leaves * span,
      output: runs.output[run] + first * span, attribute: runs.attribute[run],
    };
  }

  table(state, table) {
    const space = this.spaces[state], { tables } = space, address = tables.address[table];
    return {
      state, table, level: tables.level[table], page: tables.page[table], pages: space.tablePages(table),
      address: address < 0 ? null : address, attribute: tables.attribute[table],
    };
  }

  colourOf(entry) {
    const palette = PALETTES[this.colour];
    return palette.colours[palette.of(this.spaces[entry.state], entry.run, this.attributes)];
  }

  select(entry) {
    this.selected = entry;
    if (entry) {
      if (entry.state !== this.tree.state) this.showTree(entry.state);
      this.tree.reveal(entry);
      this.map.reveal(entry.page, entry.pages);
    }
    this.map.draw();
    showEntry($("entry"), this, entry);
    $("map").setAttribute("aria-label", "Map of the address space. " + (entry ? "Selected: " + words(entry) : "Nothing is selected."));
  }

  preview(entry) { showEntry($("entry"), this, entry ?? this.selected); }

  /* What is shown. */

  headings() {
    document.title = this.facts.title;
    $("title").textContent = this.facts.title;
    $("lead").textContent = this.facts.lead;
    this.facts.names.forEach((name, i) => $("space").append(new Option(name, i)));
    const list = $("findings").querySelector("ul");
    for (const { severity, what, where } of this.facts.findings) {
      const item = element("li", "");
      item.append(element("span", "severity-" + severity, severity), " ", what, element("span", "where", where));
      list.append(item);
    }
    $("findings").hidden = !this.facts.findings.length;
    if (this.states.length > 1) {
      $("states").hidden = false;
      this.facts.states.forEach((name, state) => {
        const button = element("button", "", name);
        button.type = "button";
        button.addEventListener("click", () => { this.showTree(state); this.select(null); });
        $("states").append(button);
      });
      $("colour").append(new Option("what changed", "change"));
      this.colour = $("colour").value = "change";
    }
  }

  showSpace(number) {
    $("space").value = number;
    this.spaces = this.states.map(state => state[number]);
    this.matches = [];
    this.selected = null;
    $("answer").textContent = "";
    this.changes = this.spaces.length > 1 ? compareSpaces(this.spaces[0], this.spaces[1], this.attributes) : [];
    this.map.show(this.spaces, this.facts.states, $("gaps").checked);
    this.tiles();
    this.legend();
    this.listChanges();
    this.showTree(this.spaces.length - 1);
    this.select(null);
  }

  showTree(state) {
    this.tree.show(this.spaces[state], state);
    [...$("states").children].forEach((button, i) => button.setAttribute("aria-pressed", i === state));
    $("tree-name").textContent = "Tables" + (this.spaces.length > 1 ? " " + this.facts.states[state] : "");
  }

  tiles() {
    $("tiles").replaceChildren();
    const of = count => this.spaces.map(count).map(value => numbers.format(value)).join(" → ");
    const tile = (name, value) => {
      const box = element("div", "");
      box.append(element("strong", "", value), element("span", "", name));
      $("tiles").append(box);
    };
    const leaves = level => space => {
      let sum = 0;
      for (let i = 0; i < space.runs.count; i++) if (space.runs.level[i] === level) sum += space.runs.leaves[i];
      return sum;
    };
    SIZE_WORDS.forEach((name, level) => tile(`leaves of ${name}`, of(leaves(level))));
    tile("table pages", of(space => space.tables.count));
    tile("mapped", this.spaces.map(space => {
      let pages = 0;
      for (let i = 0; i < space.runs.count; i++) pages += space.pagesOf(i);
      return sizeOfPages(pages);
    }).join(" → "));
    $("translation").textContent = this.spaces.at(-1).translation;
  }

  legend() {
    const palette = PALETTES[this.colour], seen = new Set();
    for (const space of this.spaces) {
      for (let i = 0; i < space.runs.count; i++) seen.add(palette.of(space, i, this.attributes));
    }
    if (this.colour === "change") this.changes.forEach(({ kind }) => seen.add(CHANGES.indexOf(kind)));
    $("legend").replaceChildren(...palette.words.map((word, i) => {
      const item = element("li", "");
      item.append(swatch(palette.colours[i]), this.colour === "change" ? CHANGE_WORDS[word] ?? word : word);
      return item;
    }).filter((item, i) => seen.has(i)));
    const table = element("li", "");
    table.append(swatch("--band"), "table");
    $("legend").append(table);
  }

  listChanges() {
    $("changes").hidden = this.spaces.length < 2;
    const list = $("changes").querySelector("ul");
    list.replaceChildren();
    for (const { kind, page, end } of this.changes.slice(0, 500)) {
      const item = element("li", ""), button = element("button", "");
      button.type = "button";
      button.append(swatch(PALETTES.change.colours[CHANGES.indexOf(kind)]),
        `${hexOfPage(page)} – ${hexOfPage(end, -1)}, ${sizeOfPages(end - page)}: ${CHANGE_WORDS[kind]}`);
      button.addEventListener("click", () => { this.find(page, 0); });
      item.append(button);
      list.append(item);
    }
    if (!this.changes.length) list.append(element("li", "", "Nothing: both states translate alike, with the same pages."));
    if (this.changes.length > 500) list.append(element("li", "", `and ${numbers.format(this.changes.length - 500)} more`));
  }

  /* What the controls do. */

  controls() {
    $("space").addEventListener("change", () => this.showSpace(Number($("space").value)));
    $("colour").addEventListener("change", () => {
      this.colour = $("colour").value;
      this.legend();
      this.showTree(this.tree.state);
      this.select(this.selected);
    });
    $("gaps").addEventListener("change", () => { this.map.show(this.spaces, this.facts.states, $("gaps").checked); });
    $("zoom-in").addEventListener("click", () => this.map.zoomBy(4));
    $("zoom-out").addEventListener("click", () => this.map.zoomBy(0.25));
    $("zoom-fit").addEventListener("click", () => this.map.fit());
    $("find").addEventListener("submit", event => { event.preventDefault(); this.search(); });
    $("map").addEventListener("click", event => this.select(this.map.at(event.offsetX, event.offsetY)));
    $("map").addEventListener("pointermove", event => this.preview(this.map.at(event.offsetX, event.offsetY)));
    $("map").addEventListener("pointerleave", () => this.preview(null));
    $("map").addEventListener("keydown", event => this.key(event));
  }

  search() {
    const text = $("search").value.trim(), hex = text.replace(/^0x/i, "");
    if (!/^[0-9a-f]{1,16}$/i.test(hex)) {
      $("answer").textContent = "An address in hex is needed, as in 0x40001234.";
      return;
    }
    const address = BigInt("0x" + hex), page = Number(address >> 12n), offset = Number(address & 4095n);
    if ($("kind").value === "iova") this.find(page, offset);
    else this.findPhysical(page, offset);
  }

  /** Shows what translates an address; in two states, the later one that maps it. */
  find(page, offset) {
    for (let state = this.spaces.length - 1; state >= 0; state--) {
      const space = this.spaces[state], run = space.runAt(page);
      if (run < 0) continue;
      const leaf = this.leaf(state, run, Math.floor((page - space.runs.page[run]) / space.span(space.runs.level[run])));
      const when = this.spaces.length > 1 ? this.facts.states[state] + ": " : "";
      $("answer").textContent = `${when}${hexOfPage(page, offset)} → ${hexOfPage(leaf.output + page - leaf.page, offset)}, ${PALETTES.rights.words[this.attributes[leaf.attribute].rights]}`;
      this.map.goTo(leaf.page, leaf.pages);
      this.select(leaf);
      return;
    }
    const state = this.spaces.length - 1, table = this.spaces[state].path(page).at(-1);
    $("answer").textContent = `${hexOfPage(page, offset)} is not mapped` +
      (table === undefined ? "" : `: the walk ends at level ${this.spaces[state].tables.level[table]}`);
    this.select(table === undefined ? null : this.table(state, table));
  }

  /** Shows the next of the leaves that translate to an address, or the table that stands there. */
  findPhysical(page, offset) {
    const key = `${page} ${this.tree.state}`;
    if (this.matches.key !== key) this.matches = Object.assign(this.physicalMatches(page), { key, next: 0 });
    if (!this.matches.length) {
      $("answer").textContent = `Nothing translates to ${hexOfPage(page, offset)}.`;
      return;
    }
    const entry = this.matches[this.matches.next++ % this.matches.length];
    const what = entry.table === undefined
      ? `${hexOfPage(page, offset)} ← ${hexOfPage(entry.page + page - entry.output, offset)}`
      : `${hexOfPage(page)} is a table of level ${entry.level}`;
    const which = (this.matches.next - 1) % this.matches.length + 1;
    $("answer").textContent = what + (this.matches.length > 1 ? ` (${which} of ${this.matches.length}, Find again for the next)` : "");
    this.map.goTo(entry.page, entry.pages);
    this.select(entry);
  }

  physicalMatches(page) {
    const state = this.tree.state, space = this.spaces[state], found = [];
    for (let i = 0; i < space.tables.count; i++) {
      if (space.tables.address[i] === page) found.push(this.table(state, i));
    }
    for (let i = 0; i < space.runs.count && found.length < 1000; i++) {
      const distance = page - space.runs.output[i];
      if (distance >= 0 && distance < space.pagesOf(i)) {
        found.push(this.leaf(state, i, Math.floor(distance / space.span(space.runs.level[i]))));
      }
    }
    return found;
  }

  key(event) {
    const actions = {
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      ArrowUp: () => this.above(),
      ArrowDown: () => this.below(),
      "+": () => this.map.zoomBy(4),
      "=": () => this.map.zoomBy(4),
      "-": () => this.map.zoomBy(0.25),
      0: () => this.map.fit(),
      Enter: () => this.selected && this.map.goTo(this.selected.page, this.selected.pages),
      Escape: () => this.select(null),
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[event.key]();
  }

  /** The next or previous leaf. */
  step(by) {
    const state = this.selected?.state ?? this.spaces.length - 1, space = this.spaces[state];
    if (!space.runs.count) return;
    const page = !this.selected ? space.runs.page[0] : by > 0 ? this.selected.page + (this.selected.table === undefined ? this.selected.pages : 0) : this.selected.page - 1;
    let run = space.runFrom(page);
    if (by < 0 && (run >= space.runs.count || space.runs.page[run] > page)) run--;
    if (run < 0 || run >= space.runs.count) return;
    const inside = Math.min(Math.max(page, space.runs.page[run]), space.endOf(run) - 1) - space.runs.page[run];
    this.select(this.leaf(state, run, Math.floor(inside / space.span(space.runs.level[run]))));
  }

  above() {
    if (!this.selected) return;
    const { state, page, level, table } = this.selected, space = this.spaces[state];
    const up = space.path(page).filter(t => space.tables.level[t] > level || (table === undefined && space.tables.level[t] === level)).at(-1);
    if (up !== undefined) this.select(this.table(state, up));
  }

  below() {
    const state = this.selected?.state ?? this.spaces.length - 1, space = this.spaces[state];
    if (!this.selected) { if (space.tables.count) this.select(this.table(state, 0)); return; }
    if (this.selected.table === undefined) return;
    const first = this.tree.children(this.selected.table).next();
    if (!first.done) this.select(first.value.table === undefined ? this.leaf(state, first.value.run, first.value.first) : first.value);
  }
}

async function start() {
  const facts = JSON.parse($("facts").textContent);
  const input = new Varints(await unpack("data"));
  const states = facts.spaces.map(spaces => spaces.map(space => new Space(space, input)));
  window.explorer = new Explorer(facts, states);
  document.documentElement.dataset.ready = "true";
}

start();
