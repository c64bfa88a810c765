"use strict";
/* One chart: its legend, its plot drawn by uPlot, a tooltip that follows mouse and keys, and the table behind it. */

const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [4, 2], [1, 2]];
const HEIGHT = 230;
const MOST_WIDE_BAR = 46;

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function colourName(i) {
  return `--series-${i % 6 + 1}`;
}

/** A piece of the line, or of the bar, as it is drawn. */
function swatch(chart, i) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const bar = chart.kind === "bars";
  svg.setAttribute("width", bar ? 11 : 22);
  svg.setAttribute("height", 11);
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", bar ? "rect" : "line");
  const attributes = bar
    ? { width: 11, height: 11, rx: 2, fill: `var(${colourName(i)})` }
    : { x1: 0, x2: 22, y1: 5.5, y2: 5.5, "stroke-width": 2.5, stroke: `var(${colourName(i)})`, "stroke-dasharray": DASHES[i % DASHES.length].join(" ") };
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  svg.append(shape);
  return svg;
}

class ReportChart {
  constructor(chart, number, group) {
    this.chart = chart;
    this.group = group;
    this.overTime = !chart.x.labels;
    this.hidden = new Set();
    this.index = null;
    this.box = element("figure", "card");
    this.box.id = "chart-" + number;
    const caption = element("figcaption"), title = element("h3", "", chart.title);
    title.id = this.box.id + "-title";
    caption.append(title);
    if (chart.note) caption.append(element("p", "", chart.note));
    this.plot = element("div", "plot");
    this.plot.tabIndex = 0;
    this.plot.setAttribute("role", "application");
    this.plot.setAttribute("aria-roledescription", "chart");
    this.plot.setAttribute("aria-labelledby", title.id);
    this.plot.setAttribute("aria-describedby", "keys");
    this.tip = element("div", "tip");
    this.tip.hidden = true;
    this.said = element("output", "hidden-text");
    this.box.append(caption, this.legend(), element("div", "y-name", this.yName()), this.plot, this.said, this.data());
    this.plot.addEventListener("keydown", (event) => this.key(event));
    this.plot.addEventListener("blur", () => this.point(null));
    this.plot.addEventListener("mouseleave", () => this.point(null));
    this.plot.addEventListener("mouseenter", () => this.group.forEach((other) => other !== this && other.hideTip()));
  }

  yName() {
    const { name, unit } = this.chart.y;
    return unit.endsWith("per-second") ? name + per(this.chart) : name;
  }

  legend() {
    const legend = element("div", "legend");
    legend.setAttribute("role", "group");
    legend.setAttribute("aria-label", "Shown");
    this.chart.series.forEach((series, i) => {
      const button = element("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.append(swatch(this.chart, i), series.name);
      button.addEventListener("click", () => {
        const shown = this.hidden.has(i);
        if (shown) this.hidden.delete(i); else this.hidden.add(i);
        button.setAttribute("aria-pressed", String(shown));
        this.u.setSeries(i + 1, { show: shown });
      });
      legend.append(button);
    });
    return legend;
  }

  data() {
    const details = element("details"), place = element("div", "scroll");
    place.tabIndex = 0;
    place.setAttribute("role", "region");
    place.setAttribute("aria-label", "Data of " + this.chart.title);
    const copy = element("button", "", "Copy");
    copy.type = "button";
    copy.addEventListener("click", () => navigator.clipboard.writeText(chartText(this.chart)).then(
      () => { copy.textContent = "Copied"; },
      () => getSelection().selectAllChildren(place.querySelector("table"))));
    details.append(element("summary", "", "Data"), place);
    details.addEventListener("toggle", () => {
      if (details.open && !place.firstChild) place.append(copy, chartTable(this.chart));
    });
    return details;
  }

  /** Draws it anew, in the colours and the width of now. */
  draw() {
    const zoomed = this.u && [this.u.scales.x.min, this.u.scales.x.max];
    this.u?.destroy();
    const x = this.chart.x.values ?? this.chart.x.labels.map((_, i) => i);
    this.u = new uPlot(this.options(x), [x, ...this.chart.series.map((each) => this.drawn(each.values))], this.plot);
    this.full = [x[0], x.at(-1)];
    this.plot.append(this.tip);
    if (zoomed && this.overTime) this.u.setScale("x", { min: zoomed[0], max: zoomed[1] });
    if (this.index !== null) this.point(this.index);
  }

  /** A rate begins where the time does, not at the end of the first step. */
  drawn(values) {
    return this.chart.kind === "rates" && values.length > 1 ? [values.find((value) => value !== null), ...values.slice(1)] : values;
  }

  options(x) {
    const { kind, y } = this.chart, ink = css("--soft"), line = css("--line"), last = x.length - 1;
    const font = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
    const grid = { stroke: line, width: 1 }, ticks = { stroke: line, width: 1, size: 5 };
    const labels = this.chart.x.labels;
    const axis = { stroke: ink, font, labelFont: font, grid, ticks };
    return {
      width: this.width(),
      height: HEIGHT,
      padding: [12, 10, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: (u, min, max) => labels ? [-0.6, last + 0.6] : [min ?? 0, max > min ? max : (min ?? 0) + 1] },
        y: kind === "logarithmic" ? { distr: 3, range: (u, min, max) => powersAround(min, max, this.base()) } : { range: (u, min, max) => this.range(max) },
      },
      axes: [
        {
          ...axis, label: this.chart.x.name, labelSize: 22, labelGap: 2, size: 28, space: labels ? 1 : 60,
          grid: { ...grid, show: !labels },
          splits: labels ? (u) => everySo(labels, u.width) : undefined,
          values: (u, splits) => splits.map((split) => labels ? labels[split] ?? "" : shortNumber(split, this.chart.x.unit)),
        },
        {
          ...axis, size: (u, values) => Math.max(40, ...(values ?? []).map((value) => (value?.length ?? 0) * 6.6 + 14)), space: 34,
          incrs: y.unit.startsWith("bytes") ? BINARY_STEPS : DECIMAL_STEPS.filter((step) => y.unit.endsWith("per-second") || step >= 1),
          filter: (u, splits) => splits,
          splits: kind === "logarithmic" ? (u, axis, min, max) => powers(min, max, this.base()) : undefined,
          values: (u, splits) => splits.map((split) => shortNumber(split, y.unit)),
        },
      ],
      series: [{}, ...this.chart.series.map((series, i) => this.series(series, i))],
      cursor: {
        y: false,
        points: kind === "bars" ? { show: false } : { size: 7 },
        drag: { x: this.overTime, y: false, setScale: false },
        sync: this.overTime ? { key: "time", scales: ["x", null] } : undefined,
        bind: { dblclick: () => () => this.zoomAll(...this.full) },
      },
      hooks: {
        setCursor: [(u) => this.moved(u)],
        setSelect: [(u) => this.selected(u)],
        draw: kind === "bars" ? [(u) => this.barLabels(u)] : [],
      },
    };
  }

  series(series, i) {
    const colour = css(colourName(i)), { kind } = this.chart;
    const common = { label: series.name, show: !this.hidden.has(i), stroke: colour, points: { show: false }, spanGaps: true };
    switch (kind) {
      case "bars": return { ...common, width: 0, fill: colour, paths: uPlot.paths.bars(this.barPlaces(i)) };
      case "logarithmic": return { ...common, width: 2, dash: DASHES[i % DASHES.length], points: { show: true, size: 7, fill: colour, stroke: colour } };
      case "rates": return { ...common, width: 1.5, dash: DASHES[i % DASHES.length], paths: uPlot.paths.stepped({ align: -1 }) };
      default: return { ...common, width: 2, dash: DASHES[i % DASHES.length] };
    }
  }

  /** How wide each bar is, as a part of the room of its label. */
  barWidth() {
    const room = (this.width() - 60) / (places(this.chart) + 0.2);
    return Math.min(0.8 / this.chart.series.length, MOST_WIDE_BAR / room);
  }

  barPlaces(i) {
    const width = this.barWidth(), from = (i - this.chart.series.length / 2) * width;
    const count = places(this.chart);
    return {
      radius: 0.08,
      disp: {
        x0: { unit: 1, values: () => Array.from({ length: count }, (_, at) => at + from) },
        size: { unit: 1, values: () => Array(count).fill(width * 0.94) },
      },
    };
  }

  /** Over each bar its value, where there is room for it. */
  barLabels(u) {
    const { ctx } = u, ratio = devicePixelRatio, width = this.barWidth();
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.fillStyle = css("--ink");
    this.chart.series.forEach((series, i) => {
      if (this.hidden.has(i)) return;
      series.values.forEach((value, at) => {
        const text = value ? shortNumber(value, this.chart.y.unit) : "";
        const room = u.valToPos(width * 1.25, "x", true) - u.valToPos(0, "x", true);
        if (ctx.measureText(text).width > room) return;
        const x = u.valToPos(at + (i - this.chart.series.length / 2 + 0.5) * width, "x", true);
        ctx.fillText(text, x, u.valToPos(value, "y", true) - 4 * ratio);
      });
    });
    ctx.restore();
  }

  /** What a step of a logarithmic axis multiplies by. */
  base() {
    return this.chart.y.unit === "bytes" ? 16 : 10;
  }

  /** From 0; charts of one scale reach up to the same value. */
  range(max) {
    const same = this.chart.scale ? this.group.filter((other) => other.chart.scale === this.chart.scale) : [this];
    const most = same.length > 1 ? Math.max(...same.map((other) => other.most())) : max;
    return [0, most > 0 ? most * (this.chart.kind === "bars" ? 1.12 : 1.06) : 1];
  }

  most() {
    return this.chart.series.reduce((most, series) => Math.max(most, ...series.values.filter((value) => value !== null)), 0);
  }

  width() {
    return Math.max(160, this.plot.clientWidth);
  }

  selected(u) {
    if (u.select.width < 8) return;
    const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.zoomAll(from, to);
  }

  zoomAll(min, max) {
    const charts = this.overTime ? this.group.filter((other) => other.overTime) : [];
    for (const each of charts) each.u.setScale("x", { min: Math.max(min, each.full[0]), max: Math.min(max, each.full[1]) });
  }

  /** Twice or half as near, around what is pointed at. */
  zoomBy(factor) {
    const { min, max } = this.u.scales.x, length = (max - min) * factor;
    const middle = this.index === null ? (min + max) / 2 : this.u.data[0][this.index];
    const from = Math.max(this.full[0], Math.min(middle - length / 2, this.full[1] - length));
    this.zoomAll(from, Math.min(this.full[1], from + length));
  }

  key(event) {
    const last = places(this.chart) - 1, step = event.shiftKey ? 10 : 1;
    const moves = {
      ArrowRight: () => this.point(this.index === null ? 0 : Math.min(last, this.index + step)),
      ArrowLeft: () => this.point(this.index === null ? last : Math.max(0, this.index - step)),
      Home: () => this.point(0),
      End: () => this.point(last),
      Escape: () => this.point(null),
      "+": () => this.zoomBy(0.5),
      "-": () => this.zoomBy(2),
      "0": () => this.zoomAll(...this.full),
    };
    if (event.ctrlKey || event.altKey || event.metaKey || !moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
    this.said.textContent = this.index === null ? "" : this.words();
  }

  /** Points at a value, or at none. */
  point(index) {
    this.index = index;
    if (index === null) {
      this.u.setCursor({ left: -10, top: -10 });
      this.hideTip();
      return;
    }
    const place = this.u.data[0][index], { min, max } = this.u.scales.x;
    if (place < min || place > max) this.zoomAll(place - (max - min) / 2, place + (max - min) / 2);
    this.u.setCursor({ left: this.u.valToPos(place, "x"), top: 20 });
    this.showTip();
  }

  moved(u) {
    if (!this.plot.matches(":hover") || u.cursor.idx === null || u.cursor.left < 0) return;
    this.index = u.cursor.idx;
    this.showTip();
  }

  hideTip() {
    this.tip.hidden = true;
  }

  /** What is pointed at: the place, or for what happens between two moments both. */
  place() {
    const words = placeWords(this.chart, this.index);
    const between = this.chart.kind === "rates" && this.index > 0;
    return between ? `${placeWords(this.chart, this.index - 1)} – ${words}` : words;
  }

  values() {
    return this.chart.series
      .map((series, i) => ({ i, name: series.name, value: exactNumber(series.values[this.index], this.chart.y.unit, per(this.chart)) }))
      .filter(({ i }) => !this.hidden.has(i));
  }

  words() {
    return `${this.place()}: ` + this.values().map(({ name, value }) => `${name} ${value}`).join(", ");
  }

  showTip() {
    const made = element("table"), body = element("tbody");
    for (const { i, name, value } of this.values()) {
      const line = row("td", [name, value]);
      line.firstChild.prepend(swatch(this.chart, i));
      body.append(line);
    }
    made.append(body);
    this.tip.replaceChildren(element("strong", "", this.place()), made);
    this.tip.hidden = false;
    const over = this.u.over, x = over.offsetLeft + this.u.valToPos(this.u.data[0][this.index], "x");
    const room = this.plot.clientWidth - this.tip.offsetWidth - 4;
    const right = x + 14 <= room;
    this.tip.style.left = Math.max(4, Math.min(room, right ? x + 14 : x - 14 - this.tip.offsetWidth)) + "px";
  }
}

const DECIMAL_STEPS = steps(10, [1, 2, 5], -6, 15);
const BINARY_STEPS = steps(2, [1], 0, 60);

function steps(base, parts, from, to) {
  const all = [];
  for (let exponent = from; exponent <= to; exponent++) for (const part of parts) all.push(part * base ** exponent);
  return all;
}

/** Whole powers around the values of a logarithmic axis. */
function powersAround(min, max, base) {
  const power = (value, whole) => base ** whole(Math.log2(Math.max(value ?? 1, 1)) / Math.log2(base));
  const low = power(min, Math.floor);
  return [low, Math.max(power(max, Math.ceil), low * base)];
}

function powers(min, max, base) {
  const all = [];
  for (let power = min; power <= max * 1.001; power *= base) all.push(power);
  return all;
}

/** The labels that fit beside each other. */
function everySo(labels, width) {
  const widest = Math.max(...labels.map((label) => label.length)) * 6.6 + 10;
  const every = Math.max(1, Math.ceil(widest * labels.length / Math.max(60, width - 70)));
  return labels.map((_, i) => i).filter((i) => i % every === 0);
}
