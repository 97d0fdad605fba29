// The filters, and which panels and rows they let through.

const DAY_S = 86400;
const EVERY = "every";
const MOST_ROWS = 12;
const byId = (id) => document.getElementById(id);
const filters = {
  case: byId("filter-case"),
  machine: byId("filter-machine"),
  metric: byId("filter-metric"),
  range: byId("filter-range"),
  from: byId("filter-from"),
  to: byId("filter-to"),
};
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
  return {
    case: pick(filters.case),
    machine: pick(filters.machine),
    metric: pick(filters.metric),
    from,
    to,
  };
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
    found.set(`${place} ${machine} ${metric}`, {
      place,
      machine,
      metric,
      unit,
      from: want.from,
      to: want.to,
    });
  }
  const order = metricOrder();
  return [...found.values()].sort(
    (one, other) =>
      one.place - other.place ||
      one.machine - other.machine ||
      order.indexOf(one.metric) - order.indexOf(other.metric),
  );
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
  byId("told").textContent = panels.length
    ? `${panels.length} ${panels.length === 1 ? "chart" : "charts"}.`
    : "Nothing is measured with these filters.";
}

// The tables follow the filters as far as their rows have what is filtered by.
function filterTables() {
  const want = chosen();
  const names = {
    case: index.cases[want.case],
    machine: index.machines[want.machine],
    metric: index.metrics[want.metric],
  };
  const hidden = new Set([...off].map((place) => index.frameworks[place]));
  for (const table of document.querySelectorAll("table.filtered")) {
    const opened = table.dataset.opened === "yes";
    let fitting = 0;
    for (const row of table.tBodies[0].rows) {
      const { date, framework } = row.dataset;
      const second = Date.parse(`${date}T12:00:00Z`) / 1000;
      const fits = ["case", "machine", "metric"].every(
        (name) =>
          names[name] === undefined ||
          row.dataset[name] === undefined ||
          row.dataset[name] === names[name] ||
          (name === "metric" && want.metric === END_TO_END),
      );
      const out =
        !fits || hidden.has(framework) || second < want.from - DAY_S || second > want.to + DAY_S;
      fitting += !out;
      row.hidden = out || (!opened && fitting > MOST_ROWS);
    }
    const [none, all] = [table.nextElementSibling, table.nextElementSibling.nextElementSibling];
    table.hidden = fitting === 0;
    none.hidden = fitting > 0;
    none.textContent = "None with these filters.";
    all.hidden = opened || fitting <= MOST_ROWS;
    all.textContent = `Show all ${fitting}`;
  }
  const latest = document.querySelector("table.latest");
  if (!latest) return;
  const columns = [...latest.tHead.rows[0].cells].map((cell) => hidden.has(cell.textContent));
  for (const row of latest.rows) {
    if (row.dataset.case !== undefined)
      row.hidden = ["case", "machine"].some(
        (name) => names[name] !== undefined && row.dataset[name] !== names[name],
      );
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
  history.replaceState(null, "", `#${text}`);
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
    if (
      filters[name].tagName === "INPUT" ||
      [...filters[name].options].some((one) => one.value === meant)
    )
      filters[name].value = meant;
  }
  for (const name of (state.get("without") ?? "").split(",")) {
    const place = index.frameworks.indexOf(name);
    if (place >= 0) off.add(place);
  }
}

function changed() {
  for (const label of document.querySelectorAll("label.own"))
    label.hidden = filters.range.value !== "own";
  document
    .querySelectorAll("#filter-frameworks input")
    .forEach((box) => (box.checked = !off.has(Number(box.value))));
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
    byId("filter-frameworks").append(
      made("label", { class: `chip c${place % COLOURS}` }, box, symbol(place), ` ${name}`),
    );
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
  for (const place of metricOrder())
    filters.metric.append(made("option", { value: place }, index.metrics[place]));
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
  byId("told").replaceChildren(
    made(
      "span",
      { class: "note" },
      `The charts cannot be drawn: ${error.message}. A browser of 2023 or later can.`,
    ),
  );
});
