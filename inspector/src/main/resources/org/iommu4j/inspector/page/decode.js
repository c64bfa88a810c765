"use strict";
/* Turns the packed data of the page into arrays that are searched and drawn. Addresses are kept as numbers of 4 KiB
   pages: these fit a double exactly, as whole addresses of 57 bits do not. */

async function unpack(id) {
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent.trim()), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

class Varints {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }

  next() {
    let value = 0, scale = 1, byte;
    do {
      byte = this.bytes[this.at++];
      value += (byte & 127) * scale;
      scale *= 128;
    } while (byte > 127);
    return value;
  }

  signed() {
    const value = this.next();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

/** One address space in one state: tables in the order of a walk, and runs of equal leaves in order of address. */
class Space {
  constructor(facts, input) {
    Object.assign(this, facts);
    this.readTables(input);
    this.readRuns(input);
  }

  readTables(input) {
    const count = input.next();
    this.tables = {
      count, level: new Uint8Array(count), page: new Float64Array(count), address: new Float64Array(count),
      attribute: new Uint16Array(count), end: new Uint32Array(count),
    };
    const t = this.tables, open = [];
    for (let i = 0, page = 0, address = 0; i < count; i++) {
      t.level[i] = input.next();
      page += input.next();
      address += input.signed();
      t.page[i] = page;
      t.address[i] = address;
      t.attribute[i] = input.next();
      while (open.length && t.level[open.at(-1)] <= t.level[i]) t.end[open.pop()] = i;
      open.push(i);
    }
    while (open.length) t.end[open.pop()] = count;
  }

  readRuns(input) {
    const count = input.next();
    this.runs = {
      count, level: new Uint8Array(count), page: new Float64Array(count), output: new Float64Array(count),
      leaves: new Float64Array(count), attribute: new Uint16Array(count), change: new Uint8Array(count),
    };
    const r = this.runs;
    for (let i = 0, page = 0, output = 0; i < count; i++) {
      r.level[i] = input.next();
      page += input.next();
      output += input.signed();
      r.page[i] = page;
      r.output[i] = output;
      r.attribute[i] = input.next();
      r.leaves[i] = input.next();
      const pages = this.pagesOf(i);
      page += pages;
      output += pages;
    }
  }

  /** How many pages an entry of a level decides. */
  span(level) { return 2 ** (9 * level); }
  pagesOf(run) { return this.runs.leaves[run] * this.span(this.runs.level[run]); }
  endOf(run) { return this.runs.page[run] + this.pagesOf(run); }
  tablePages(table) { return 512 * this.span(this.tables.level[table]); }

  /** The first run that ends behind a page. */
  runFrom(page) {
    let low = 0, high = this.runs.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.endOf(middle) <= page) low = middle + 1; else high = middle;
    }
    return low;
  }

  /** The run that maps a page, or -1. */
  runAt(page) {
    const run = this.runFrom(page);
    return run < this.runs.count && this.runs.page[run] <= page ? run : -1;
  }

  /** The tables on the way to a page, root first. */
  path(page) {
    const path = [];
    for (let i = 0; i < this.tables.count;) {
      if (page >= this.tables.page[i] && page < this.tables.page[i] + this.tablePages(i)) {
        path.push(i);
        i++;
      } else {
        i = this.tables.end[i];
      }
      if (path.length && i >= this.tables.end[path.at(-1)]) break;
    }
    return path;
  }
}

function hexOfPage(page, offset = 0) {
  return "0x" + (BigInt(page) * 4096n + BigInt(offset)).toString(16);
}

function sizeOfPages(pages) {
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
  let size = pages * 4, unit = 0;
  while (size >= 1023.95 && unit < units.length - 1) { size /= 1024; unit++; }
  return (Number.isInteger(size) ? size : size.toFixed(1)) + " " + units[unit];
}

const numbers = new Intl.NumberFormat("en");
