/** Small charts of the last two minutes. One path each, drawn when a number comes and not otherwise. */
import {h, svg} from "./dom.js";
import {numberText, say} from "./text.js";

export const POINTS = 120;
const WIDTH = 240;
const HEIGHT = 44;

/** A label, its number and how it went: {label, unit, values: (number|null)[]}; `values` null: not reported. */
export class Tile {
  constructor(label, unit, hint) {
    this.label = label;
    this.unit = unit;
    this.value = h("span", {class: "tile-value"});
    this.peak = h("span", {class: "hint"});
    this.line = svg("path", {class: "chart-line"});
    this.area = svg("path", {class: "chart-area"});
    this.chart = svg("svg", {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "chart", role: "img"}, this.area, this.line);
    this.el = h(
      "div",
      {class: "tile"},
      h("div", {class: "tile-head"}, h("span", {class: "tile-label"}, label), hint && h("span", {class: "hint"}, hint)),
      h("div", {class: "tile-number"}, this.value, h("span", {class: "unit"}, unit)),
      this.chart,
      this.peak,
    );
  }

  draw(values) {
    const known = (values ?? []).filter((v) => v !== null);
    this.el.classList.toggle("missing", known.length === 0);
    if (known.length === 0) {
      this.value.textContent = say("opsNot");
      this.peak.textContent = "";
      this.chart.setAttribute("aria-label", `${this.label}: ${say("opsNot")}`);
      this.line.setAttribute("d", "");
      this.area.setAttribute("d", "");
      return;
    }
    const now = known[known.length - 1];
    const peak = Math.max(...known);
    this.value.textContent = numberText(now);
    this.peak.textContent = say("opsPeak", {n: numberText(peak)});
    this.chart.setAttribute("aria-label", say("opsChart", {label: this.label, now: `${numberText(now)} ${this.unit}`, peak: numberText(peak)}));
    const d = path(values, peak || 1);
    this.line.setAttribute("d", d.line);
    this.area.setAttribute("d", d.area);
  }
}

function path(values, peak) {
  const step = WIDTH / (POINTS - 1);
  const left = WIDTH - (values.length - 1) * step;
  let line = "";
  let area = "";
  let start = null;
  values.forEach((v, i) => {
    const x = (left + i * step).toFixed(1);
    if (v === null) {
      area += start === null ? "" : `L${x} ${HEIGHT}L${start} ${HEIGHT}Z`;
      start = null;
      return;
    }
    const point = `${x} ${(HEIGHT - 2 - (v / peak) * (HEIGHT - 6)).toFixed(1)}`;
    line += `${start === null ? "M" : "L"}${point}`;
    area += `${start === null ? "M" : "L"}${point}`;
    start ??= x;
  });
  return {line, area: start === null ? area : `${area}L${WIDTH} ${HEIGHT}L${start} ${HEIGHT}Z`};
}
