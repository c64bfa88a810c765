"use strict";
/* What became different between two states of one address space: both lists of runs are swept once, side by side. */

const CHANGES = ["the same", "mapped", "unmapped", "moved", "permission", "split", "joined", "bits"];
const CHANGE_WORDS = {
  mapped: "mapped", unmapped: "unmapped", moved: "translates elsewhere", permission: "permission changed",
  split: "split into smaller pages, same translation", joined: "joined into a larger page, same translation",
  bits: "other bits of the entry changed",
};

function compareSpaces(before, after, attributes) {
  const changes = [];
  let page = 0, a = 0, b = 0;
  while (a < before.runs.count || b < after.runs.count) {
    const startA = a < before.runs.count ? Math.max(page, before.runs.page[a]) : Infinity;
    const startB = b < after.runs.count ? Math.max(page, after.runs.page[b]) : Infinity;
    page = Math.min(startA, startB);
    const inA = startA === page, inB = startB === page;
    const end = Math.min(
      inA ? before.endOf(a) : startA, inB ? after.endOf(b) : startB);
    const kind = inA && inB ? changeOf(before, a, after, b, page, attributes) : inA ? "unmapped" : "mapped";
    if (kind !== "the same") {
      const number = CHANGES.indexOf(kind);
      if (inA) before.runs.change[a] = Math.max(before.runs.change[a], number);
      if (inB) after.runs.change[b] = Math.max(after.runs.change[b], number);
      const last = changes.at(-1);
      if (last && last.kind === kind && last.end === page) last.end = end;
      else changes.push({ kind, page, end });
    }
    page = end;
    while (a < before.runs.count && before.endOf(a) <= page) a++;
    while (b < after.runs.count && after.endOf(b) <= page) b++;
  }
  return changes;
}

function changeOf(before, a, after, b, page, attributes) {
  const outputA = before.runs.output[a] + page - before.runs.page[a];
  const outputB = after.runs.output[b] + page - after.runs.page[b];
  const one = attributes[before.runs.attribute[a]], other = attributes[after.runs.attribute[b]];
  if (outputA !== outputB) return "moved";
  if (one.rights !== other.rights) return "permission";
  if (before.runs.level[a] !== after.runs.level[b]) return before.runs.level[a] > after.runs.level[b] ? "split" : "joined";
  return before.runs.attribute[a] !== after.runs.attribute[b] ? "bits" : "the same";
}
