"use strict";
/* Numbers as people read them: short on axes, in full in tooltips and tables. Thin spaces part the thousands. */

const THIN = "\u202f";
const SI = ["", "k", "M", "G", "T", "P"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const TIMES = [["ns", 1], ["µs", 1e3], ["ms", 1e6], ["s", 1e9]];

/** With thin spaces, and at most so many digits behind the point. */
function grouped(value, digits = 3) {
  const [whole, part] = Math.abs(value).toFixed(digits).split(".");
  const rest = (part ?? "").replace(/0+$/, "");
  const parted = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  return (value < 0 ? "−" : "") + parted + (rest ? "." + rest : "");
}

/** Three digits or so. */
function rounded(value) {
  const size = Math.abs(value);
  return grouped(value, size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(size))));
}

function scaled(value, step, prefixes) {
  let i = 0, left = value;
  while (Math.abs(left) >= step && i < prefixes.length - 1) { left /= step; i++; }
  return rounded(left) + (prefixes[i] ? THIN + prefixes[i] : "");
}

function duration(nanos) {
  const [unit, size] = TIMES.findLast(([, least]) => nanos >= least) ?? TIMES[0];
  return rounded(nanos / size) + THIN + unit;
}

/** What a rate is of: a second, where time is in seconds. */
function per(chart) {
  return chart.x.unit === "seconds" ? "/s" : " per 1" + THIN + "000 events";
}

/** On an axis, where the unit stands beside the axis unless it changes with the size. */
function shortNumber(value, unit) {
  if (unit.startsWith("bytes")) return scaled(value, 1024, BINARY);
  if (unit === "nanoseconds") return duration(value);
  if (unit === "seconds") return grouped(value, 6);
  return scaled(value, 1000, SI);
}

/** In a tooltip or table. */
function exactNumber(value, unit, rate = "/s") {
  if (value === null || value === undefined) return "–";
  switch (unit) {
    case "bytes": return grouped(value) + THIN + "B" + (value >= 1024 ? ` (${shortNumber(value, unit)})` : "");
    case "bytes-per-second": return shortNumber(value, "bytes") + rate;
    case "count-per-second": return grouped(value, Math.abs(value) >= 100 ? 0 : 2) + rate;
    case "nanoseconds": return duration(value);
    case "seconds": return grouped(value, 6) + THIN + "s";
    default: return grouped(value);
  }
}
