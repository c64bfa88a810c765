"use strict";
/* Elements, and the tables of figures: of the runs side by side, and of what a chart shows. */

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function row(tag, cells, first = "th") {
  const line = element("tr");
  cells.forEach((cell, i) => {
    const made = element(i === 0 ? first : tag, "", cell);
    if (tag === "th" || i === 0 && first === "th") made.scope = tag === "th" ? "col" : "row";
    line.append(made);
  });
  return line;
}

function table(caption, head, lines) {
  const made = element("table");
  const name = element("caption", "hidden-text", caption);
  const top = element("thead"), body = element("tbody");
  top.append(row("th", head));
  for (const line of lines) body.append(row("td", line));
  made.append(name, top, body);
  return made;
}

function figures(report) {
  const words = (value, unit) =>
    unit === "bytes" ? shortNumber(value, unit) : unit === "seconds" ? grouped(value) + THIN + "s" : exactNumber(value, unit);
  const lines = report.rows.map((each) => [each.name, ...each.values.map((value) => words(value, each.unit))]);
  return table("Figures of each run", ["", ...report.runs], lines);
}

/** The places of a chart's x axis in words. */
function placeWords(chart, i) {
  if (chart.x.labels) return chart.x.labels[i];
  return exactNumber(chart.x.values[i], chart.x.unit);
}

function places(chart) {
  return (chart.x.labels ?? chart.x.values).length;
}

function chartTable(chart) {
  const lines = [];
  for (let i = 0; i < places(chart); i++) {
    lines.push([placeWords(chart, i), ...chart.series.map((each) => exactNumber(each.values[i], chart.y.unit, per(chart)))]);
  }
  return table(chart.title, [chart.x.name, ...chart.series.map((each) => each.name)], lines);
}

/** As a spreadsheet takes it: plain numbers, tabs between. */
function chartText(chart) {
  const lines = [[`${chart.x.name}`, ...chart.series.map((each) => `${each.name}, ${chart.y.name} (${chart.y.unit})`)]];
  for (let i = 0; i < places(chart); i++) {
    lines.push([(chart.x.labels ?? chart.x.values)[i], ...chart.series.map((each) => each.values[i] ?? "")]);
  }
  return lines.map((line) => line.join("\t")).join("\n") + "\n";
}
