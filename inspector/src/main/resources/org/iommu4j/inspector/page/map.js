"use strict";
/* The map: a row for each level of tables, the root's on top. A band is a table, a solid block a leaf. What is narrower
   than a pixel is summed up by column, so that a million leaves cost one pass and no more drawing than a screen. */

const ROW = 30, ROW_GAP = 4, AXIS = 24, STRIP = 22, LABELS = 52, MIN_PAGE_WIDTH = 40;

class AddressMap {
  constructor(canvas, model) {
    this.canvas = canvas;
    this.model = model;
    this.transform = d3.zoomIdentity;
    this.zoom = d3.zoom().on("zoom", event => { this.transform = event.transform; this.draw(); });
    this.selection = d3.select(canvas).call(this.zoom).on("dblclick.zoom", null);
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Shows spaces, one above the other, on a scale that all share. */
  show(spaces, names, fold) {
    this.spaces = spaces;
    this.names = names;
    this.scale = new Scale(spaces, fold);
    this.placed = spaces.map(space => {
      const from = new Float64Array(space.runs.count), to = new Float64Array(space.runs.count);
      for (let i = 0; i < space.runs.count; i++) {
        from[i] = this.scale.place(space.runs.page[i]);
        to[i] = this.scale.place(space.endOf(i));
      }
      return { from, to };
    });
    this.levels = Math.max(...spaces.map(space => space.levels));
    this.resize();
    this.fit();
  }

  resize() {
    if (!this.spaces) return;
    const ratio = window.devicePixelRatio || 1;
    this.width = this.canvas.parentElement.clientWidth;
    this.height = this.axisTop() + AXIS;
    this.canvas.style.height = this.height + "px";
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.ratio = ratio;
    const area = [[LABELS, 0], [this.width, this.height]];
    const closest = Math.max(1, this.scale.length * MIN_PAGE_WIDTH * 2 / this.plot());
    this.zoom.extent(area).translateExtent(area).scaleExtent([1, closest]);
    this.draw();
  }

  plot() { return Math.max(1, this.width - LABELS); }
  heading() { return this.spaces.length > 1 ? 18 : 0; }
  groupHeight() { return this.levels * (ROW + ROW_GAP) + this.heading() + 4; }
  axisTop() { return this.spaces.length * this.groupHeight() + (this.model.changes.length ? STRIP : 0); }
  rowTop(state, level) {
    return state * this.groupHeight() + this.heading() + (this.levels - 1 - level) * (ROW + ROW_GAP) + 2;
  }

  /** From a place on the scale to pixels, and back. */
  x(place) { return this.transform.applyX(LABELS + place / this.scale.length * this.plot()); }
  placeAt(x) { return (this.transform.invertX(x) - LABELS) / this.plot() * this.scale.length; }
  xOfPage(page) { return this.x(this.scale.place(page)); }

  fit() { this.selection.call(this.zoom.transform, d3.zoomIdentity); }
  zoomBy(factor) { this.selection.call(this.zoom.scaleBy, factor, this.focusPoint()); }
  panBy(pixels) { this.selection.call(this.zoom.translateBy, pixels / this.transform.k, 0); }

  /** Where zooming is centred: on what is selected, if that is in view. */
  focusPoint() {
    const selected = this.model.selected;
    const x = selected ? this.xOfPage(selected.page + selected.pages / 2) : -1;
    return [x >= LABELS && x <= this.width ? x : LABELS + this.plot() / 2, this.height / 2];
  }

  /** Zooms so that pages fill about a fifth of the width. */
  goTo(page, pages) {
    const from = this.scale.place(page), to = this.scale.place(page + pages);
    const share = Math.max(to - from, this.scale.length * 1e-12) / this.scale.length;
    const k = Math.min(this.zoom.scaleExtent()[1], Math.max(1, 0.2 / share));
    const centre = LABELS + (from + to) / 2 / this.scale.length * this.plot();
    const left = LABELS + this.plot() / 2 - centre * k;
    this.selection.call(this.zoom.transform, d3.zoomIdentity.translate(left, 0).scale(k));
  }

  /** Moves just so far that pages are in view. */
  reveal(page, pages) {
    const from = this.xOfPage(page), to = this.xOfPage(page + pages);
    if (to < LABELS || from > this.width) this.panBy(LABELS + this.plot() / 2 - (from + to) / 2);
  }

  /** What is at a point: a leaf, a table, or nothing. */
  at(x, y) {
    const state = Math.floor(y / this.groupHeight());
    const row = Math.floor((y - state * this.groupHeight() - this.heading()) / (ROW + ROW_GAP));
    const level = this.levels - 1 - row, space = this.spaces[state];
    if (!space || row < 0 || level < 0 || x < LABELS) return null;
    const place = this.placeAt(x), near = 2 / this.plot() / this.transform.k * this.scale.length;
    const run = this.runNear(state, level, place, near);
    if (run >= 0) {
      const first = this.scale.page(place) - space.runs.page[run];
      const leaf = Math.min(space.runs.leaves[run] - 1, Math.max(0, Math.floor(first / space.span(level))));
      return this.model.leaf(state, run, leaf);
    }
    const table = space.path(this.scale.page(place)).find(t => space.tables.level[t] === level);
    return table === undefined ? null : this.model.table(state, table);
  }

  runNear(state, level, place, near) {
    const { from, to } = this.placed[state], runs = this.spaces[state].runs;
    let low = 0, high = runs.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (to[middle] <= place - near) low = middle + 1; else high = middle;
    }
    let best = -1;
    for (let i = low; i < runs.count && from[i] <= place + near; i++) {
      if (runs.level[i] === level && (best < 0 || from[i] <= place)) best = i;
    }
    return best;
  }

  draw() {
    if (!this.spaces || !this.width) return;
    const g = this.g = this.canvas.getContext("2d");
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    g.clearRect(0, 0, this.width, this.height);
    this.ink = { text: css("--ink"), soft: css("--soft"), line: css("--line"), band: css("--band"), card: css("--card"), focus: css("--focus") };
    this.palette = PALETTES[this.model.colour];
    this.colours = this.palette.colours.map(css);
    g.save();
    g.beginPath();
    g.rect(LABELS, 0, this.plot(), this.height);
    g.clip();
    this.spaces.forEach((space, state) => { this.drawTables(space, state); this.drawRuns(space, state); });
    this.drawGaps();
    this.drawChanges();
    this.drawSelected();
    this.drawAxis();
    g.restore();
    this.drawLabels();
  }

  drawTables(space, state) {
    const t = space.tables, g = this.g;
    g.fillStyle = this.ink.band;
    const last = new Int32Array(this.levels).fill(-1);
    for (let i = 0; i < t.count; i++) {
      const from = this.xOfPage(t.page[i]), to = this.xOfPage(t.page[i] + space.tablePages(i));
      if (to < LABELS || from > this.width) { i = t.end[i] - 1; continue; }
      const left = Math.max(from, LABELS - 2), right = Math.min(Math.max(to, from + 2), this.width + 2);
      if (right <= last[t.level[i]]) continue;
      last[t.level[i]] = right;
      g.fillRect(left, this.rowTop(state, t.level[i]), right - left - (to - from > 8 ? 1 : 0), ROW);
    }
  }

  drawRuns(space, state) {
    const { from, to } = this.placed[state], runs = space.runs, pixels = Math.ceil(this.plot()) + 1;
    const columns = Array.from({ length: this.levels }, () => new Uint8Array(pixels));
    const low = this.firstVisible(to), end = this.placeAt(this.width);
    const unit = this.plot() * this.transform.k / this.scale.length, base = this.x(0);
    for (let i = low; i < runs.count && from[i] <= end; i++) {
      const x0 = base + from[i] * unit, x1 = base + to[i] * unit;
      const kind = this.palette.of(space, i, this.model.attributes);
      if (x1 - x0 < 1.5) {
        const column = Math.max(0, Math.floor(x0 - LABELS));
        const before = columns[runs.level[i]];
        if (before[column] < kind + 1) before[column] = kind + 1;
      } else {
        this.drawRun(space, state, i, x0, x1, kind, unit);
      }
    }
    columns.forEach((column, level) => this.drawColumns(column, state, level));
  }

  firstVisible(to) {
    const start = this.placeAt(LABELS);
    let low = 0, high = to.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (to[middle] < start) low = middle + 1; else high = middle;
    }
    return low;
  }

  drawColumns(column, state, level) {
    const top = this.rowTop(state, level);
    for (let x = 0; x < column.length; x++) {
      if (!column[x]) continue;
      let end = x + 1;
      while (end < column.length && column[end] === column[x]) end++;
      this.g.fillStyle = this.colours[column[x] - 1];
      this.g.fillRect(LABELS + x, top, Math.max(1.5, end - x), ROW);
      x = end - 1;
    }
  }

  drawRun(space, state, run, x0, x1, kind, unit) {
    const g = this.g, level = space.runs.level[run], top = this.rowTop(state, level);
    const left = Math.max(x0, LABELS - 1), right = Math.min(x1, this.width + 1);
    g.fillStyle = this.colours[kind];
    g.fillRect(left, top, right - left, ROW);
    const leafWidth = space.span(level) * unit;
    if (leafWidth < 5) return;
    g.fillStyle = this.ink.card;
    const first = Math.max(1, Math.ceil((left - x0) / leafWidth));
    for (let leaf = first; leaf < space.runs.leaves[run] && x0 + leaf * leafWidth <= right; leaf++) {
      g.fillRect(x0 + leaf * leafWidth - 0.5, top, 1, ROW);
    }
    if (leafWidth > 96) this.drawOutputs(space, run, x0, right, leafWidth, top, Math.max(0, first - 1));
  }

  drawOutputs(space, run, x0, right, leafWidth, top, first) {
    const g = this.g, span = space.span(space.runs.level[run]);
    g.fillStyle = this.ink.card;
    g.font = "11px ui-monospace, monospace";
    g.textAlign = "center";
    g.textBaseline = "middle";
    for (let leaf = first; leaf < space.runs.leaves[run] && x0 + leaf * leafWidth < right; leaf++) {
      const from = Math.max(x0 + leaf * leafWidth, LABELS), to = Math.min(x0 + (leaf + 1) * leafWidth, this.width);
      if (to - from > 96) g.fillText(hexOfPage(space.runs.output[run] + leaf * span), (from + to) / 2, top + ROW / 2);
    }
  }

  drawSelected() {
    const selected = this.model.selected;
    if (!selected) return;
    const from = this.xOfPage(selected.page), to = this.xOfPage(selected.page + selected.pages), g = this.g;
    g.strokeStyle = this.ink.text;
    g.lineWidth = 2;
    g.strokeRect(Math.max(from, LABELS - 4) - 1, this.rowTop(selected.state, selected.level) - 1,
      Math.max(4, Math.min(to, this.width + 4) - Math.max(from, LABELS - 4)) + 2, ROW + 2);
  }

  /** Where addresses are left out: a dotted line in the middle of each fold. */
  drawGaps() {
    const { starts, ends, places, gap } = this.scale, g = this.g;
    if (gap / this.scale.length * this.plot() * this.transform.k < 6) return;
    g.strokeStyle = this.ink.soft;
    g.setLineDash([2, 4]);
    g.lineWidth = 1;
    g.beginPath();
    for (let i = 0; i + 1 < starts.length; i++) {
      const x = Math.round(this.x(places[i] + ends[i] - starts[i] + gap / 2)) + 0.5;
      if (x < LABELS || x > this.width) continue;
      g.moveTo(x, 0);
      g.lineTo(x, this.axisTop());
    }
    g.stroke();
    g.setLineDash([]);
  }

  /** What became different, below both states; the narrow on top of the wide. */
  drawChanges() {
    const g = this.g, top = this.axisTop() - STRIP + 4;
    const colours = PALETTES.change.colours.map(css);
    const shown = [...this.model.changes].sort((a, b) => (b.end - b.page) - (a.end - a.page));
    for (const { kind, page, end } of shown) {
      const from = this.xOfPage(page), to = this.xOfPage(end);
      if (to < LABELS || from > this.width) continue;
      g.fillStyle = colours[CHANGES.indexOf(kind)];
      g.fillRect(Math.max(from, LABELS - 2), top, Math.max(2, Math.min(to, this.width + 2) - Math.max(from, LABELS - 2)), 12);
    }
  }

  drawAxis() {
    const g = this.g, top = this.axisTop();
    g.font = "11px ui-monospace, monospace";
    g.textBaseline = "alphabetic";
    g.textAlign = "left";
    let free = LABELS;
    for (const page of this.ticks()) {
      const x = this.xOfPage(page), words = hexOfPage(page), width = g.measureText(words).width;
      if (x < LABELS || x > this.width) continue;
      g.fillStyle = this.ink.soft;
      g.fillRect(x, top, 1, 5);
      const left = Math.min(x, this.width - width - 2);
      if (left < free) continue;
      g.fillText(words, left, top + 17);
      free = left + width + 14;
    }
  }

  /** Pages to name: where clusters begin, and the roundest one in each hundred pixels or so. */
  ticks() {
    const places = Math.max(1, Math.floor(this.plot() / 110)), ticks = [];
    for (let i = 0; i < places; i++) {
      const from = this.placeAt(LABELS + i * this.plot() / places), to = this.placeAt(LABELS + (i + 1) * this.plot() / places);
      const cluster = this.scale.cluster(this.scale.places, to);
      const begins = this.scale.places[Math.max(0, cluster)];
      ticks.push(begins >= from ? this.scale.starts[Math.max(0, cluster)] : roundest(this.scale.page(from), this.scale.page(to)));
    }
    return ticks;
  }

  drawLabels() {
    const g = this.g;
    g.textBaseline = "middle";
    g.textAlign = "left";
    g.font = "11px system-ui, sans-serif";
    g.fillStyle = this.ink.soft;
    if (this.model.changes.length) g.fillText("changes", 0, this.axisTop() - STRIP + 10);
    this.spaces.forEach((space, state) => {
      g.font = "600 12px system-ui, sans-serif";
      g.fillStyle = this.ink.text;
      if (this.heading()) g.fillText(this.names[state], 0, state * this.groupHeight() + 9);
      g.font = "11px system-ui, sans-serif";
      g.fillStyle = this.ink.soft;
      for (let level = 0; level < space.levels; level++) {
        g.fillText(["4 KiB", "2 MiB", "1 GiB", "512 GiB", "256 TiB"][level], 0, this.rowTop(state, level) + ROW / 2);
      }
    });
  }
}

/** The number from a first to a last one that has most zeros at its end. */
function roundest(first, last) {
  for (let step = 2 ** 48; step > 1; step /= 2) {
    const round = Math.ceil(first / step) * step;
    if (round <= last) return round;
  }
  return first;
}
