// Draws one panel as SVG: a metric of a case on a machine, a colour and a shape for each framework.

const SHAPES = [
  // Each within a square of side 2 around the point.
  [[-0.9, -0.4, -0.4, -0.9, 0.4, -0.9, 0.9, -0.4, 0.9, 0.4, 0.4, 0.9, -0.4, 0.9, -0.9, 0.4]],
  [[0, -1.1, 1, 0.75, -1, 0.75]],
  [[-0.8, -0.8, 0.8, -0.8, 0.8, 0.8, -0.8, 0.8]],
  [[0, -1.2, 1.1, 0, 0, 1.2, -1.1, 0]],
  [[0, 1.1, 1, -0.75, -1, -0.75]],
  [
    [
      -0.3, -1, 0.3, -1, 0.3, -0.3, 1, -0.3, 1, 0.3, 0.3, 0.3, 0.3, 1, -0.3, 1, -0.3, 0.3, -1, 0.3,
      -1, -0.3, -0.3, -0.3,
    ],
  ],
  [[-1.2, 0, 0, -0.55, 1.2, 0, 0, 0.55]],
  [[0, -1.2, 0.5, 1.1, -0.5, 1.1]],
];
const COLOURS = 8;
const MOST_SHAPES = 320;
const MOST_LINES = 8;
const MARGIN = { top: 24, right: 14, bottom: 40, left: 58 };
const SVG = "http://www.w3.org/2000/svg";

function made(tag, attributes = {}, ...children) {
  const svg = ["svg", "path", "g", "text", "line", "circle", "rect", "title"].includes(tag);
  const element = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function shape(number, x, y, size) {
  return SHAPES[number % SHAPES.length]
    .map((corners) => {
      let path = "";
      for (let at = 0; at < corners.length; at += 2) {
        const to = `${(x + size * corners[at]).toFixed(1)},${(y + size * corners[at + 1]).toFixed(1)}`;
        path += (at ? "L" : "M") + to;
      }
      return `${path}Z`;
    })
    .join("");
}

function symbol(number) {
  const path = made("path", { d: shape(number, 7, 7, 5.5), class: `dot c${number % COLOURS}` });
  return made("svg", { viewBox: "0 0 14 14", width: 14, height: 14, "aria-hidden": "true" }, path);
}

function seen(line, from, to) {
  let first = 0;
  let last = line.count;
  while (first < last && line.seconds[first] < from) first++;
  while (last > first && line.seconds[last - 1] > to) last--;
  return [first, last];
}

function steps(low, high, wanted) {
  const rough = (high - low) / wanted || 1;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((many) => many * size >= rough) * size;
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high; at++) found.push(at * step);
  return { found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function days(from, to, wanted) {
  const DAY = 86400;
  const found = [];
  if (to - from < 100 * DAY) {
    const step = [1, 2, 7, 14, 28].find((many) => (to - from) / (many * DAY) <= wanted) ?? 28;
    const start = Math.ceil(from / DAY) * DAY;
    for (let at = start; at <= to; at += step * DAY) found.push([at, day(at).slice(5)]);
    return found;
  }
  const months =
    [1, 2, 3, 6, 12, 24].find((many) => (to - from) / (many * 30.4 * DAY) <= wanted) ?? 24;
  const begin = new Date(from * 1000);
  for (let month = 0; ; month++) {
    const at = Date.UTC(begin.getUTCFullYear(), month, 1) / 1000;
    if (at > to) return found;
    if (at >= from && month % months === 0) {
      found.push([at, months >= 12 ? day(at).slice(0, 4) : day(at).slice(0, 7)]);
    }
  }
}

// What lies in a panel's window: the times and the figures that its axes span.
function spans(panel) {
  let from = panel.from;
  let to = panel.to;
  const all = [];
  let first = Infinity;
  let last = -Infinity;
  for (const line of panel.lines) {
    const [a, b] = seen(line, from, to);
    for (let at = a; at < b; at++) all.push(line.lows[at], line.highs[at]);
    if (a < b) {
      first = Math.min(first, line.seconds[a]);
      last = Math.max(last, line.seconds[b - 1]);
    }
  }
  if (!all.length) return null;
  if (!Number.isFinite(from)) from = first;
  if (!Number.isFinite(to)) to = last;
  if (from === to) [from, to] = [from - 43200, to + 43200];
  all.sort((one, other) => one - other);
  const at = (share) => all[Math.round(share * (all.length - 1))];
  // A few spikes far above the rest would flatten everything else: they are cut, with a sign.
  const usual = at(0.97) - at(0.03) || 0.04 * at(0.5) || 1;
  let low = Math.max(all[0], at(0.03) - 1.2 * usual);
  let high = Math.min(all[all.length - 1], at(0.97) + 1.2 * usual);
  const least = 0.06 * at(0.5) || 1;
  if (high - low < least) {
    const middle = (high + low) / 2;
    [low, high] = [middle - least / 2, middle + least / 2];
  }
  // Frameworks an order of magnitude apart would each be a flat line on an even scale.
  const log = low > 0 && at(0.97) > 10 * at(0.03);
  const room = 0.06 * (high - low);
  if (log) return { from, to, log, low: low / 1.15, high: high * 1.05 };
  return { from, to, log, low: Math.max(0, low - room), high: high + room };
}

// Where to write figures on the way up: even steps, or 1, 2 and 5 of each power of ten.
function rungs(span, size, wanted) {
  const [low, high] = [span.low / size, span.high / size];
  if (!span.log) return steps(low, high, wanted);
  const found = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    for (const many of [1, 2, 5]) found.push(many * 10 ** power);
  }
  const kept = found.filter((value) => value >= low && value <= high);
  const few =
    kept.length > 1.5 * wanted ? kept.filter((value) => /^1e/.test(value.toExponential(0))) : kept;
  return { found: few };
}

function axes(frame, unit) {
  const { x, y, width, height, span } = frame;
  const group = made("g", { class: "axes" });
  const [size, name] = scaleOf(span.high, unit);
  const { found, digits: places } = rungs(span, size, height / 44);
  for (const value of found) {
    const at = y(value * size).toFixed(1);
    group.append(
      made("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: at, y2: at, class: "grid" }),
      made(
        "text",
        { x: MARGIN.left - 8, y: Number(at) + 4, class: "up" },
        places === undefined ? Number(value.toPrecision(1)) : value.toFixed(places),
      ),
    );
  }
  const ground = height - MARGIN.bottom;
  for (const [at, text] of days(span.from, span.to, (width - MARGIN.left) / 80)) {
    const place = x(at).toFixed(1);
    group.append(
      made("line", { x1: place, x2: place, y1: ground, y2: ground + 5, class: "tick" }),
      made("text", { x: Math.min(place, width - 24), y: height - 6, class: "across" }, text),
    );
  }
  group.append(
    made("line", {
      x1: MARGIN.left,
      x2: width - MARGIN.right,
      y1: ground,
      y2: ground,
      class: "tick",
    }),
    made("text", { x: MARGIN.left - 8, y: 12, class: "up unit" }, span.log ? `${name}, log` : name),
  );
  return group;
}

function drawnLine(line, frame, colour) {
  const { x, y, span } = frame;
  const [a, b] = seen(line, span.from, span.to);
  const group = made("g", { class: `series c${colour % COLOURS}` });
  if (a === b) return group;
  let way = "";
  let above = "";
  let below = "";
  let dots = "";
  let cut = "";
  const many = b - a > MOST_SHAPES;
  const size = b - a > 120 ? 2.6 : 3.6;
  const held = (value) => y(Math.min(span.high, Math.max(span.low, value))).toFixed(1);
  for (let at = a; at < b; at++) {
    const left = x(line.seconds[at]).toFixed(1);
    way += `${way ? "L" : "M"}${left},${held(line.values[at])}`;
    above += `${above ? "L" : "M"}${left},${held(line.highs[at])}`;
    below = `L${left},${held(line.lows[at])}${below}`;
    const value = line.values[at];
    if (value > span.high || value < span.low) {
      const up = value > span.high;
      const edge = up ? MARGIN.top + 4 : frame.height - MARGIN.bottom - 4;
      cut += shape(up ? 1 : 4, Number(left), edge, 4);
    } else if (!many) dots += shape(colour, Number(left), Number(held(value)), size);
  }
  group.append(
    made("path", { class: "band", d: `${above}${below}Z` }),
    // Where points are too many for shapes, dashes tell lines apart.
    made("path", { class: `way${many ? ` w${colour % 4}` : ""}`, d: way }),
  );
  if (dots) group.append(made("path", { class: "dot", d: dots }));
  if (cut)
    group.append(made("path", { class: "cut", d: cut }, made("title", {}, "beyond the axis")));
  return group;
}

// Where levels moved: a line, a sign and how much, where there is room to say it.
function shifted(panel, frame) {
  const { x, span, height } = frame;
  const group = made("g", { class: "shifts" });
  const all = panel.lines
    .flatMap((line) =>
      line.shifts.map(([point, ratio, before, after]) => ({
        at: line.seconds[point],
        ratio,
        before,
        after,
        colour: line.framework,
      })),
    )
    .filter(({ at }) => at >= span.from && at <= span.to);
  all.sort((one, other) => other.at - one.at);
  const crowded = all.length > MOST_LINES;
  const held = (value) => frame.y(Math.min(span.high, Math.max(span.low, value)));
  let free = Infinity;
  for (const { at, ratio, before, after, colour } of all) {
    const place = x(at);
    const [top, bottom] = crowded
      ? [held(before), held(after)]
      : [MARGIN.top - 4, height - MARGIN.bottom];
    const told = `${index.frameworks[colour]}: level ${change(ratio)} from ${day(at)} on`;
    const one = made("g", {
      class: `shift c${colour % COLOURS} ${ratio > 1 ? "slower" : "faster"}`,
    });
    one.append(
      made("title", {}, told),
      made("line", { x1: place, x2: place, y1: top, y2: bottom }),
      made("path", {
        class: "flag",
        d: shape(ratio > 1 ? 1 : 4, place, MARGIN.top - 10, crowded ? 3.5 : 5),
      }),
    );
    const end = Math.min(place + 62, frame.width);
    if (place < span.right - 50 && end < free) {
      one.append(made("text", { x: place + 8, y: MARGIN.top - 6 }, change(ratio)));
    }
    free = place - 4;
    group.append(one);
  }
  return group;
}

// What is not a measurement: other workloads, updated baselines, nights without a number.
function beside(panel, frame) {
  const { x, span, height } = frame;
  const group = made("g", { class: "beside" });
  const ground = height - MARGIN.bottom;
  const inside = (at) => at >= span.from && at <= span.to;
  const begins = new Map();
  for (const line of panel.lines) {
    const known = begins.get(line.framework) ?? [];
    begins.set(line.framework, [...known, line.seconds[0]]);
  }
  for (const [framework, starts] of begins) {
    for (const at of starts.sort((one, other) => one - other).slice(1)) {
      if (!inside(at)) continue;
      const told = `${index.frameworks[framework]}: another workload from ${day(at)} on`;
      group.append(
        made(
          "g",
          { class: `workload c${framework % COLOURS}` },
          made("title", {}, told),
          made("line", { x1: x(at), x2: x(at), y1: MARGIN.top, y2: ground }),
          made("path", { d: shape(2, x(at), ground, 4) }),
        ),
      );
    }
  }
  for (const at of panel.updates.filter(inside)) {
    const told = made("title", {}, `baseline measured on ${day(at)}`);
    group.append(
      made("g", { class: "update" }, told, made("path", { d: shape(3, x(at), ground, 5) })),
    );
  }
  for (const one of panel.missed) {
    if (!inside(one.seconds)) continue;
    const left = x(one.seconds);
    const top = ground + 11;
    const cross = `M${left - 3},${top - 3}l6,6M${left + 3},${top - 3}l-6,6`;
    const told = `${index.frameworks[one.framework]}, ${day(one.seconds)}: ${one.kind}`;
    group.append(
      made(
        "g",
        { class: `miss c${one.framework % COLOURS}` },
        made("title", {}, told),
        made("path", { d: cross }),
      ),
    );
  }
  for (const [reference, ceiling, until] of panel.accepted) {
    if (ceiling < span.low || ceiling > span.high) continue;
    const at = frame.y(ceiling);
    const told = `accepted up to ${change(ceiling / reference)} until ${until}`;
    group.append(
      made(
        "g",
        { class: "ceiling" },
        made("line", { x1: MARGIN.left, x2: frame.width - MARGIN.right, y1: at, y2: at }),
        made("text", { x: MARGIN.left + 6, y: at - 4 }, told),
      ),
    );
  }
  return group;
}

// The drawing of a panel in `width` pixels, and how to find points in it; null where it is empty.
function drawn(panel, width) {
  const span = spans(panel);
  if (!span) return null;
  const height = width < 480 ? 230 : 280;
  const right = width - MARGIN.right;
  const ground = height - MARGIN.bottom;
  span.right = right;
  const x = (at) =>
    MARGIN.left + ((at - span.from) / (span.to - span.from)) * (right - MARGIN.left);
  const up = span.log ? Math.log : Number;
  const share = (value) => (up(value) - up(span.low)) / (up(span.high) - up(span.low));
  const y = (value) => ground - share(value) * (ground - MARGIN.top);
  const frame = { x, y, width, height, span };
  const svg = made("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "chart" });
  svg.append(axes(frame, panel.unit), beside(panel, frame));
  for (const line of panel.lines) svg.append(drawnLine(line, frame, line.framework));
  svg.append(shifted(panel, frame));
  const cross = made("g", { class: "cross", visibility: "hidden" });
  cross.append(made("line", { y1: MARGIN.top, y2: ground }), made("circle", { r: 7 }));
  svg.append(cross);
  const time = (left) =>
    span.from + ((left - MARGIN.left) / (right - MARGIN.left)) * (span.to - span.from);
  return { svg, frame, cross, time };
}
