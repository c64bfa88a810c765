"use strict";
/* One entry in full: where it is, what it translates to, each of its bits in words, and the tables on the way to it. */

function showEntry(box, model, entry) {
  box.replaceChildren();
  if (!entry) {
    box.append(element("p", "lead", "Point at the map or the tree, or search for an address."));
    return;
  }
  const space = model.spaces[entry.state];
  box.append(element("h3", "", heading(entry)));
  const facts = element("dl", "facts");
  const fact = (name, value) => facts.append(element("dt", "", name), element("dd", "hex", value));
  fact("IOVA", `${hexOfPage(entry.page)} – ${hexOfPage(entry.page + entry.pages, -1)}`);
  if (entry.table === undefined) {
    fact("output", `${hexOfPage(entry.output)} – ${hexOfPage(entry.output + entry.pages, -1)}`);
  } else {
    const { tables, leaves } = contents(space, entry.table);
    if (entry.address !== null) fact("table page", hexOfPage(entry.address));
    fact("below it", `${numbers.format(tables)} tables, ${numbers.format(leaves)} leaves`);
  }
  const attribute = model.attributes[entry.attribute];
  if (attribute.bits !== null) fact("entry", wordOf(entry, attribute));
  fact("allows", PALETTES.rights.words[attribute.rights]);
  box.append(facts, bits(attribute), path(space, entry, model));
}

function heading(entry) {
  if (entry.table !== undefined) return entry.table === 0 ? `Root table, level ${entry.level}` : `Table, level ${entry.level}`;
  return entry.leaves > 1 ? `${numbers.format(entry.leaves)} leaves of ${SIZE_WORDS[entry.level]}` : `Leaf of ${SIZE_WORDS[entry.level]}`;
}

/** The whole 64-bit word: the address and the rest. */
function wordOf(entry, attribute) {
  const address = entry.table === undefined ? entry.output : entry.address;
  const word = (BigInt(address ?? 0) * 4096n) | BigInt(attribute.bits);
  return "0x" + word.toString(16).padStart(16, "0");
}

function bits(attribute) {
  const list = element("ul", "bits");
  for (const [name, value, meaning, bad] of attribute.fields) {
    const item = element("li", bad ? "bad" : "");
    item.append(element("b", "", name), ` ${value === null ? "" : value + " "}${meaning}`);
    list.append(item);
  }
  return list;
}

function path(space, entry, model) {
  const list = element("ol", "");
  list.setAttribute("aria-label", "Tables on the way");
  for (const table of space.path(entry.page)) {
    if (space.tables.level[table] < entry.level || table === entry.table) break;
    const item = element("li", ""), attribute = model.attributes[space.tables.attribute[table]];
    const address = space.tables.address[table];
    const index = Math.floor((entry.page - space.tables.page[table]) / space.span(space.tables.level[table]));
    item.append(element("span", "soft", "level " + space.tables.level[table]));
    item.append(element("span", "hex",
      (address < 0 ? "table" : "table " + hexOfPage(address)) + `, entry ${index}` +
      (table === 0 ? " (root)" : attribute.words && ` · reached by: ${attribute.words}`)));
    list.append(item);
  }
  return list;
}

function contents(space, table) {
  const end = space.tables.page[table] + space.tablePages(table);
  let leaves = 0;
  for (let run = space.runFrom(space.tables.page[table]); run < space.runs.count && space.runs.page[run] < end; run++) {
    const span = space.span(space.runs.level[run]);
    const from = Math.max(space.runs.page[run], space.tables.page[table]), to = Math.min(space.endOf(run), end);
    leaves += (to - from) / span;
  }
  return { tables: space.tables.end[table] - table - 1, leaves };
}
