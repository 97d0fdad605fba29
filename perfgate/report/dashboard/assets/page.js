// Filters, panels, and the point that is looked at.

const DAY_S = 86400;
const EVERY = "every";
const MOST_ROWS = 12;
const byId = (id) => document.getElementById(id);
const filters = { case: byId("filter-case"), machine: byId("filter-machine"), metric: byId("filter-metric"), range: byId("filter-range"), from: byId("filter-from"), to: byId("filter-to") };
const off = new Set();
let newest = 0;
let oldest = 0;

function options(select, names, every) {
  if (every) select.append(made("option", { value: EVERY }, every));
  names.forEach((name, place) => select.append(made("option", { value: place }, name)));
}

// Whole requests first, what a server says of itself, stages by name, then load and memory.
function metricOrder() {
  const rank = (id) => ({ e2e: 0, server: 1, step: 2, load: 4, peak_memory: 5 })[id] ?? 3;
  return index.metricIds
    .map((id, place) => [rank(id), id, place])
    .sort((one, other) => one[0] - other[0] || (one[1] < other[1] ? -1 : 1))
    .map(([, , place]) => place);
}

function chosen() {
  const pick = (select) => (select.value === EVERY ? null : Number(select.value));
  const range = filters.range.value;
  const second = (input) => (input.value ? Date.parse(`${input.value}T00:00:00Z`) / 1000 : NaN);
  let from = -Infinity;
  let to = Infinity;
  if (range === "own") {
    from = second(filters.from);
    to = second(filters.to) + DAY_S - 1;
    if (Number.isNaN(from)) from = -Infinity;
    if (Number.isNaN(to)) to = Infinity;
  } else if (range !== "all") from = newest - Number(range) * DAY_S;
  return { case: pick(filters.case), machine: pick(filters.machine), metric: pick(filters.metric), from, to };
}

// Every panel that the filters let through: its case, machine and metric.
function wanted() {
  const want = chosen();
  const found = new Map();
  for (const [place, framework, machine, metric, , unit] of index.lines) {
    if (want.case !== null && place !== want.case) continue;
    if (want.machine !== null && machine !== want.machine) continue;
    if (want.metric !== null && metric !== want.metric) continue;
    if (off.has(framework)) continue;
    found.set(`${place} ${machine} ${metric}`, { place, machine, metric, unit, from: want.from, to: want.to });
  }
  const order = metricOrder();
  return [...found.values()].sort(
    (one, other) =>
      one.place - other.place || one.machine - other.machine || order.indexOf(one.metric) - order.indexOf(other.metric),
  );
}

async function filled(panel) {
  const same = (one) => one.machine === panel.machine && !off.has(one.framework);
  const [lines, missed] = await Promise.all([linesOf(panel.place), missedOf(panel.place)]);
  const mine = ([place, machine]) => place === panel.place && machine === panel.machine;
  return {
    ...panel,
    lines: lines.filter((line) => same(line) && line.metric === panel.metric),
    missed: missed.filter(same),
    updates: index.updates.filter(mine).map(([, , seconds]) => seconds),
    accepted: index.accepted.filter((one) => mine(one) && one[2] === panel.metric).map((one) => one.slice(3)),
  };
}

function runLinks(run) {
  const [commit, linked, path, name, id, attempt] = run;
  const short = commit.slice(0, 10) || "unknown";
  const told = [" · commit ", linked ? made("a", { href: `${index.repository}/commit/${commit}`, class: "commit-link" }, short) : short];
  const job = `${name || "job"}${id ? ` ${id}` : ""}${attempt > 1 ? `, attempt ${attempt}` : ""}`;
  if (name || id || path) told.push(" · ", path ? made("a", { href: index.repository + path, class: "job-link" }, job) : job);
  return told;
}

function readPoint({ line, at }) {
  const value = figure(line.values[at], line.unit);
  const samples = line.counts[at] === 1 ? "1 sample" : `${figure(line.lows[at], line.unit)} to ${figure(line.highs[at], line.unit)}, ${line.counts[at]} samples`;
  const shift = line.shifts.find(([point]) => point === at);
  const told = shift ? `; the level is ${change(shift[1])} from here on` : "";
  return [made("time", {}, day(line.seconds[at])), " · ", symbol(line.framework), ` ${index.frameworks[line.framework]} `, made("b", {}, value), ` (${samples})${told}`, ...runLinks(line.runs[at])];
}

// All points of a panel's window in order of time, for the keys and the table.
function pointsOf(panel, span) {
  const found = [];
  for (const line of panel.lines) {
    const [a, b] = seen(line, span.from, span.to);
    for (let at = a; at < b; at++) found.push({ line, at });
  }
  return found.sort((one, other) => one.line.seconds[one.at] - other.line.seconds[other.at] || one.line.framework - other.line.framework);
}

function nearest(points, drawing, left, top) {
  const { x, y, span } = drawing.frame;
  let best = null;
  let least = Infinity;
  for (const point of points) {
    const value = Math.min(span.high, Math.max(span.low, point.line.values[point.at]));
    const away = 3 * Math.abs(x(point.line.seconds[point.at]) - left) + Math.abs(y(value) - top);
    if (away < least) [best, least] = [point, away];
  }
  return best;
}

function summary(panel, points) {
  const parts = [...new Set(panel.lines.map((line) => line.framework))].map((framework) => {
    const mine = points.filter(({ line }) => line.framework === framework);
    const last = mine[mine.length - 1];
    if (!last) return `${index.frameworks[framework]}: no point`;
    return `${index.frameworks[framework]}: ${mine.length} points, newest ${figure(last.line.values[last.at], last.line.unit)} on ${day(last.line.seconds[last.at])}`;
  });
  return `${index.metrics[panel.metric]} of ${index.cases[panel.place]} on ${index.machines[panel.machine]}. ${parts.join("; ")}.`;
}

function tableOf(points) {
  const body = made("tbody");
  for (const { line, at } of points.slice(-200).reverse()) {
    const cells = [day(line.seconds[at]), index.frameworks[line.framework], figure(line.values[at], line.unit), `${figure(line.lows[at], line.unit)} to ${figure(line.highs[at], line.unit)}`];
    const row = made("tr", {}, ...cells.map((text) => made("td", {}, text)));
    row.append(made("td", {}, ...runLinks(line.runs[at]).slice(1)));
    body.append(row);
  }
  const head = made("tr", {}, ...["date", "framework", "median", "samples", "commit and job"].map((text) => made("th", { scope: "col" }, text)));
  return made("div", { class: "scroll" }, made("table", { class: "points" }, made("thead", {}, head), body));
}

// What moves over a chart: the crosshair, the point that is read out, and the window that is dragged.
function livened(panel, drawing, points, told) {
  const { svg, cross, frame } = drawing;
  let held = points.length - 1;
  let pinned = false;
  let pulled = null;
  const look = (point, shown) => {
    const left = frame.x(point.line.seconds[point.at]);
    const value = Math.min(frame.span.high, Math.max(frame.span.low, point.line.values[point.at]));
    const [line, ring] = cross.children;
    line.setAttribute("x1", left);
    line.setAttribute("x2", left);
    ring.setAttribute("cx", left);
    ring.setAttribute("cy", frame.y(value));
    cross.setAttribute("visibility", shown ? "visible" : "hidden");
    told.replaceChildren(...readPoint(point));
  };
  const place = (event) => {
    const box = svg.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * frame.width, ((event.clientY - box.top) / box.height) * frame.height];
  };
  svg.addEventListener("pointermove", (event) => {
    if (!pinned) look(nearest(points, drawing, ...place(event)), true);
  });
  svg.addEventListener("pointerdown", (event) => {
    pulled = place(event)[0];
  });
  svg.addEventListener("pointerup", (event) => {
    const [left, top] = place(event);
    if (event.pointerType === "mouse" && pulled !== null && Math.abs(left - pulled) > 24) {
      const [from, to] = [pulled, left].sort((one, other) => one - other).map(drawing.time);
      zoomed(from, to);
    } else {
      const point = nearest(points, drawing, left, top);
      held = points.indexOf(point);
      pinned = true;
      look(point, true);
    }
    pulled = null;
  });
  svg.addEventListener("pointerleave", () => {
    pulled = null;
  });
  svg.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity };
    if (event.key === "Escape") pinned = false;
    if (!(event.key in moves)) return;
    event.preventDefault();
    held = Math.min(points.length - 1, Math.max(0, held + moves[event.key]));
    pinned = true;
    look(points[held], true);
  });
  look(points[held], false);
}

async function render(figureElement, asked) {
  const panel = await filled(asked);
  const body = figureElement.querySelector(".body");
  const told = figureElement.querySelector(".told");
  const width = Math.max(280, Math.floor(body.clientWidth));
  const drawing = drawn(panel, width);
  if (!drawing) {
    body.replaceChildren(made("p", { class: "quiet" }, "No point in this time."));
    return;
  }
  const points = pointsOf(panel, drawing.frame.span);
  const { svg } = drawing;
  for (const [name, value] of Object.entries({ tabindex: 0, role: "img", "aria-label": `${summary(panel, points)} The arrow keys go from point to point.` })) svg.setAttribute(name, value);
  body.replaceChildren(svg);
  livened(panel, drawing, points, told);
  const more = figureElement.querySelector("details");
  more.addEventListener("toggle", () => {
    if (more.open && more.children.length === 1) more.append(tableOf(points));
  });
  if (!performance.getEntriesByName("first chart").length) performance.mark("first chart");
}

function figureOf(panel) {
  const title = made("figcaption", {}, made("h3", {}, index.cases[panel.place]), made("p", { class: "quiet" }, `${index.metrics[panel.metric]} · ${index.machines[panel.machine]}`));
  const more = made("details", {}, made("summary", {}, "As a table"));
  return made("figure", { class: "panel" }, title, made("div", { class: "body" }), made("p", { class: "told", "aria-live": "polite" }), more);
}

function shown(figureElement, panel) {
  return render(figureElement, panel).catch((error) => {
    const note = made("p", { class: "note" }, `This chart cannot be drawn: ${error.message}`);
    figureElement.querySelector(".body").replaceChildren(note);
  });
}

let watching = null;

function showPanels() {
  const panels = wanted();
  const place = byId("charts");
  watching?.disconnect();
  watching = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        watching.unobserve(entry.target);
        shown(entry.target, panels[Number(entry.target.dataset.panel)]);
      }
    },
    { rootMargin: "300px" },
  );
  const figures = panels.map((panel, number) => {
    const one = figureOf(panel);
    one.dataset.panel = number;
    return one;
  });
  place.replaceChildren(...figures);
  // The first is drawn wherever it stands, the others when somebody comes near.
  figures.slice(1).forEach((one) => watching.observe(one));
  if (figures.length) shown(figures[0], panels[0]);
  byId("told").textContent = panels.length ? `${panels.length} ${panels.length === 1 ? "chart" : "charts"}.` : "Nothing is measured with these filters.";
}

// The tables follow the filters as far as their rows have what is filtered by.
function filterTables() {
  const want = chosen();
  const names = { case: index.cases[want.case], machine: index.machines[want.machine], metric: index.metrics[want.metric] };
  const hidden = new Set([...off].map((place) => index.frameworks[place]));
  for (const table of document.querySelectorAll("table.filtered")) {
    const opened = table.dataset.opened === "yes";
    let fitting = 0;
    for (const row of table.tBodies[0].rows) {
      const { date, framework } = row.dataset;
      const second = Date.parse(`${date}T12:00:00Z`) / 1000;
      const fits = ["case", "machine", "metric"].every((name) => names[name] === undefined || row.dataset[name] === undefined || row.dataset[name] === names[name] || (name === "metric" && want.metric === END_TO_END));
      const out = !fits || hidden.has(framework) || second < want.from - DAY_S || second > want.to + DAY_S;
      fitting += !out;
      row.hidden = out || (!opened && fitting > MOST_ROWS);
    }
    const [none, all] = [table.nextElementSibling, table.nextElementSibling.nextElementSibling];
    none.hidden = fitting > 0;
    none.textContent = "None with these filters.";
    all.hidden = opened || fitting <= MOST_ROWS;
    all.textContent = `Show all ${fitting}`;
  }
  const latest = document.querySelector("table.latest");
  if (!latest) return;
  const columns = [...latest.tHead.rows[0].cells].map((cell) => hidden.has(cell.textContent));
  for (const row of latest.rows) {
    if (row.dataset.case !== undefined) row.hidden = ["case", "machine"].some((name) => names[name] !== undefined && row.dataset[name] !== names[name]);
    [...row.cells].forEach((cell, at) => (cell.hidden = columns[at]));
  }
}

const KEPT = ["case", "machine", "metric", "range", "from", "to"];

function remember() {
  const state = new URLSearchParams();
  for (const name of KEPT) {
    const select = filters[name];
    const names = { case: index.cases, machine: index.machines, metric: index.metrics }[name];
    const value = names && select.value !== EVERY ? names[select.value] : select.value;
    if (value && select.value !== select.dataset.usual) state.set(name, value);
  }
  if (off.size) state.set("without", [...off].map((place) => index.frameworks[place]).join(","));
  const text = state.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname.length ? "#" : "");
}

function recall() {
  if (!location.hash.includes("=")) return;
  const state = new URLSearchParams(location.hash.slice(1));
  for (const name of KEPT) {
    if (!state.has(name)) continue;
    const names = { case: index.cases, machine: index.machines, metric: index.metrics }[name];
    const value = state.get(name);
    const place = names ? names.indexOf(value) : -1;
    const meant = names && place >= 0 ? String(place) : value;
    if (filters[name].tagName === "INPUT" || [...filters[name].options].some((one) => one.value === meant)) filters[name].value = meant;
  }
  for (const name of (state.get("without") ?? "").split(",")) {
    const place = index.frameworks.indexOf(name);
    if (place >= 0) off.add(place);
  }
}

function changed() {
  for (const label of document.querySelectorAll("label.own")) label.hidden = filters.range.value !== "own";
  document.querySelectorAll("#filter-frameworks input").forEach((box) => (box.checked = !off.has(Number(box.value))));
  filterTables();
  showPanels();
  remember();
}

function zoomed(from, to) {
  filters.range.value = "own";
  filters.from.value = day(from);
  filters.to.value = day(to);
  changed();
}

function chips() {
  index.frameworks.forEach((name, place) => {
    const box = made("input", { type: "checkbox", value: place });
    box.addEventListener("change", () => {
      if (box.checked) off.delete(place);
      else off.add(place);
      changed();
    });
    byId("filter-frameworks").append(made("label", { class: `chip c${place % COLOURS}` }, box, symbol(place), ` ${name}`));
  });
}

function usual() {
  off.clear();
  for (const select of Object.values(filters)) select.value = select.dataset.usual;
}

function shows(link) {
  const { showCase, showMachine, showMetric } = link.dataset;
  const pick = (select, names, name) => {
    const place = names.indexOf(name);
    if (place >= 0) select.value = String(place);
  };
  pick(filters.case, index.cases, showCase);
  pick(filters.machine, index.machines, showMachine);
  filters.metric.value = EVERY;
  if (showMetric) pick(filters.metric, index.metrics, showMetric);
  changed();
}

async function begin() {
  const when = await moments("all");
  newest = when.seconds[when.seconds.length - 1] ?? 0;
  oldest = when.seconds[0] ?? 0;
  options(filters.case, index.cases, "every case");
  options(filters.machine, index.machines, "every machine");
  filters.metric.append(made("option", { value: EVERY }, "every metric"));
  for (const place of metricOrder()) filters.metric.append(made("option", { value: place }, index.metrics[place]));
  filters.case.dataset.usual = EVERY;
  filters.machine.dataset.usual = EVERY;
  filters.metric.dataset.usual = END_TO_END < 0 ? EVERY : String(END_TO_END);
  filters.range.dataset.usual = newest - oldest > 400 * DAY_S ? "365" : "all";
  filters.from.dataset.usual = day(oldest);
  filters.to.dataset.usual = day(newest);
  chips();
  usual();
  recall();
  byId("filters").hidden = false;
  byId("key").hidden = false;
  for (const select of Object.values(filters)) select.addEventListener("change", changed);
  byId("filter-reset").addEventListener("click", () => {
    usual();
    changed();
  });
  for (const link of document.querySelectorAll("[data-show-case]")) {
    link.addEventListener("click", () => shows(link));
  }
  for (const button of document.querySelectorAll("button.all")) {
    button.addEventListener("click", () => {
      button.parentElement.querySelector("table.filtered").dataset.opened = "yes";
      filterTables();
    });
  }
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) showPanels();
    width = innerWidth;
  });
  changed();
}

begin().catch((error) => {
  byId("told").replaceChildren(made("span", { class: "note" }, `The charts cannot be drawn: ${error.message}. A browser of 2023 or later can.`));
});
