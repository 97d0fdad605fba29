// One panel: its chart, the point that is looked at, and all points as a table.

async function filled(panel) {
  const same = (one) => one.machine === panel.machine && !off.has(one.framework);
  const [lines, missed] = await Promise.all([linesOf(panel.place), missedOf(panel.place)]);
  const mine = ([place, machine]) => place === panel.place && machine === panel.machine;
  return {
    ...panel,
    lines: lines.filter((line) => same(line) && line.metric === panel.metric),
    missed: missed.filter(same),
    updates: index.updates.filter(mine).map(([, , seconds]) => seconds),
    accepted: index.accepted
      .filter((one) => mine(one) && one[2] === panel.metric)
      .map((one) => one.slice(3)),
  };
}

function runLinks(run) {
  const [commit, linked, path, name, id, attempt] = run;
  const short = commit.slice(0, 10) || "unknown";
  const told = [
    " · commit ",
    linked
      ? made("a", { href: `${index.repository}/commit/${commit}`, class: "commit-link" }, short)
      : short,
  ];
  const job = `${name || "job"}${id ? ` ${id}` : ""}${attempt > 1 ? `, attempt ${attempt}` : ""}`;
  if (name || id || path)
    told.push(
      " · ",
      path ? made("a", { href: index.repository + path, class: "job-link" }, job) : job,
    );
  return told;
}

function readPoint({ line, at }) {
  const value = figure(line.values[at], line.unit);
  const samples =
    line.counts[at] === 1
      ? "1 sample"
      : `${figure(line.lows[at], line.unit)} to ${figure(line.highs[at], line.unit)}, ${line.counts[at]} samples`;
  const shift = line.shifts.find(([point]) => point === at);
  const told = shift ? `; the level is ${change(shift[1])} from here on` : "";
  return [
    made("time", {}, day(line.seconds[at])),
    " · ",
    symbol(line.framework),
    ` ${index.frameworks[line.framework]} `,
    made("b", {}, value),
    ` (${samples})${told}`,
    ...runLinks(line.runs[at]),
  ];
}

// All points of a panel's window in order of time, for the keys and the table.
function pointsOf(panel, span) {
  const found = [];
  for (const line of panel.lines) {
    const [a, b] = seen(line, span.from, span.to);
    for (let at = a; at < b; at++) found.push({ line, at });
  }
  return found.sort(
    (one, other) =>
      one.line.seconds[one.at] - other.line.seconds[other.at] ||
      one.line.framework - other.line.framework,
  );
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
    const cells = [
      day(line.seconds[at]),
      index.frameworks[line.framework],
      figure(line.values[at], line.unit),
      `${figure(line.lows[at], line.unit)} to ${figure(line.highs[at], line.unit)}`,
    ];
    const row = made("tr", {}, ...cells.map((text) => made("td", {}, text)));
    row.append(made("td", {}, ...runLinks(line.runs[at]).slice(1)));
    body.append(row);
  }
  const head = made(
    "tr",
    {},
    ...["date", "framework", "median", "samples", "commit and job"].map((text) =>
      made("th", { scope: "col" }, text),
    ),
  );
  return made(
    "div",
    { class: "scroll" },
    made("table", { class: "points" }, made("thead", {}, head), body),
  );
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
    return [
      ((event.clientX - box.left) / box.width) * frame.width,
      ((event.clientY - box.top) / box.height) * frame.height,
    ];
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
    const moves = {
      ArrowLeft: -1,
      ArrowRight: 1,
      PageUp: -20,
      PageDown: 20,
      Home: -Infinity,
      End: Infinity,
    };
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
  for (const [name, value] of Object.entries({
    tabindex: 0,
    role: "img",
    "aria-label": `${summary(panel, points)} The arrow keys go from point to point.`,
  }))
    svg.setAttribute(name, value);
  body.replaceChildren(svg);
  livened(panel, drawing, points, told);
  const more = figureElement.querySelector("details");
  const fill = () => {
    if (more.open && more.children.length === 1) more.append(tableOf(points));
  };
  more.addEventListener("toggle", fill);
  fill();
  if (!performance.getEntriesByName("first chart").length) performance.mark("first chart");
}

function figureOf(panel) {
  const title = made(
    "figcaption",
    {},
    made("h3", {}, index.cases[panel.place]),
    made(
      "p",
      { class: "quiet" },
      `${index.metrics[panel.metric]} · ${index.machines[panel.machine]}`,
    ),
  );
  const more = made("details", {}, made("summary", {}, "As a table"));
  return made(
    "figure",
    { class: "panel" },
    title,
    made("div", { class: "body" }),
    made("p", { class: "told", "aria-live": "polite" }),
    more,
  );
}

function shown(figureElement, panel) {
  return render(figureElement, panel).catch((error) => {
    const note = made("p", { class: "note" }, `This chart cannot be drawn: ${error.message}`);
    figureElement.querySelector(".body").replaceChildren(note);
  });
}
