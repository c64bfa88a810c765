"use strict";
/* Puts the page together from its data, and keeps its charts as wide and as light or dark as the page is. */

const report = JSON.parse(document.getElementById("report").textContent);
report.drawn = [];

document.getElementById("title").textContent = report.title;
document.getElementById("lead").textContent = report.lead;
for (const { outcome, text } of report.verdicts) {
  document.getElementById("verdicts").append(element("li", outcome, text));
}
document.getElementById("figures").append(figures(report));
for (const { name, value } of report.facts) {
  document.getElementById("facts").append(element("dt", "", name), element("dd", "", value));
}
for (const section of report.sections) {
  const head = element("div", "section-head"), charts = element("div", "charts");
  head.append(element("h2", "", section.name));
  if (section.note) head.append(element("p", "", section.note));
  if (section.empty.length) head.append(element("p", "", `Nothing but zeros, and so not drawn: ${section.empty.join(", ")}.`));
  document.getElementById("sections").append(head, charts);
  for (const chart of section.charts) {
    const drawn = new ReportChart(chart, report.drawn.length, report.drawn);
    report.drawn.push(drawn);
    charts.append(drawn.box);
  }
}

function drawAll() {
  for (const each of report.drawn) each.draw();
}

drawAll();
new ResizeObserver(() => {
  for (const each of report.drawn) if (each.u.width !== each.width()) each.draw();
}).observe(document.getElementById("sections"));
for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", drawAll);
document.documentElement.dataset.ready = "true";
