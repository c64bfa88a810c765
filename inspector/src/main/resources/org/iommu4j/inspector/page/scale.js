"use strict";
/* Where a page stands on the map: either in proportion, or with the gaps between mapped clusters folded to a sliver, so
   that a few megabytes in a space of 256 TiB can be seen at all. */

class Scale {
  constructor(spaces, fold) {
    const starts = [], ends = [];
    for (const [start, end] of clusters(spaces, fold)) { starts.push(start); ends.push(end); }
    if (!starts.length) { starts.push(0); ends.push(512); }
    this.starts = Float64Array.from(starts);
    this.ends = Float64Array.from(ends);
    this.places = new Float64Array(starts.length);
    const mapped = this.ends.reduce((sum, end, i) => sum + end - this.starts[i], 0);
    this.gap = starts.length > 1 ? Math.max(mapped * 0.25 / starts.length, mapped * 0.0005) : 0;
    let place = 0;
    for (let i = 0; i < starts.length; i++) {
      this.places[i] = place;
      place += ends[i] - starts[i] + this.gap;
    }
    this.length = place - this.gap;
  }

  /** The last cluster that begins at or below a value of one of the arrays. */
  cluster(array, value) {
    let low = 0, high = array.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (array[middle] <= value) low = middle + 1; else high = middle;
    }
    return low - 1;
  }

  place(page) {
    const i = this.cluster(this.starts, page);
    if (i < 0) return 0;
    if (page <= this.ends[i]) return this.places[i] + page - this.starts[i];
    const edge = this.places[i] + this.ends[i] - this.starts[i];
    if (i + 1 === this.starts.length) return this.length;
    return edge + this.gap * (page - this.ends[i]) / (this.starts[i + 1] - this.ends[i]);
  }

  /** The page at a place; in a gap, the end of the cluster before it. */
  page(place) {
    const i = Math.max(0, this.cluster(this.places, place));
    return Math.floor(Math.min(this.starts[i] + Math.max(0, place - this.places[i]), this.ends[i]));
  }
}

function clusters(spaces, fold) {
  const ranges = [];
  for (const space of spaces) {
    for (let i = 0; i < space.runs.count; i++) ranges.push([space.runs.page[i], space.endOf(i)]);
  }
  ranges.sort((a, b) => a[0] - b[0]);
  const mapped = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const wide = fold ? Math.max(16, mapped / 40) : Infinity;
  const joined = [];
  for (const [start, end] of ranges) {
    const last = joined.at(-1);
    if (last && start - last[1] <= wide) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}
