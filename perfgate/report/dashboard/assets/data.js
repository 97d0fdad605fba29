// Reads what perfgate/report/dashboard/payload.py and columns.py wrote; draws nothing.

const index = JSON.parse(document.getElementById("index").textContent);
const END_TO_END = index.metricIds.indexOf("e2e");

function once(make) {
  const made = new Map();
  return (key) => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key);
  };
}

async function unpacked(id) {
  const text = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Every moment at which a run gave points: its second, and the run as [commit, whether it can be
// linked to, path of its job, name, id, attempt].
const moments = once(async () => {
  const found = JSON.parse(new TextDecoder().decode(await unpacked("moments")));
  let second = 0;
  let run = 0;
  return {
    seconds: Float64Array.from(found.seconds, (more) => (second += more)),
    runs: found.run.map((more) => found.runs[(run += more)]),
  };
});

// The next `count` numbers of a stream of zigzag LEB128, summed up where they are differences.
function column(stream, count, { sums }) {
  const out = new Float64Array(count);
  const bytes = stream.bytes;
  let at = stream.at;
  let sum = 0;
  for (let number = 0; number < count; number++) {
    let byte = bytes[at++];
    let zigzag = byte & 127;
    for (let size = 128; byte > 127; size *= 128) {
      byte = bytes[at++];
      zigzag += (byte & 127) * size;
    }
    const value = zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
    sum = sums ? sum + value : value;
    out[number] = sum;
  }
  stream.at = at;
  return out;
}

// The lines of one case with all their points; shifts are [point, ratio, before, after].
const linesOf = once(async (place) => {
  const [when, bytes] = await Promise.all([moments("all"), unpacked(`block-${place}`)]);
  const lines = [];
  index.lines.forEach(
    ([at, framework, machine, metric, workload, unit, count, exponent], number) => {
      if (at !== place) return;
      const shifts = index.shifts
        .filter((shift) => shift[0] === number)
        .map((shift) => shift.slice(1));
      shifts.sort((one, other) => one[0] - other[0]);
      lines.push({ framework, machine, metric, workload, unit, count, exponent, shifts });
    },
  );
  const stream = { bytes, at: 0 };
  for (const line of lines) line.moments = column(stream, line.count, { sums: true });
  for (const line of lines) line.values = column(stream, line.count, { sums: true });
  for (const line of lines) line.lows = column(stream, line.count, { sums: false });
  for (const line of lines) line.highs = column(stream, line.count, { sums: false });
  for (const line of lines) line.counts = column(stream, line.count, { sums: true });
  for (const line of lines) {
    // Dividing by a power of ten gives the nearest decimal, multiplying by its inverse does not.
    const real = (number) =>
      line.exponent < 0 ? number / 10 ** -line.exponent : number * 10 ** line.exponent;
    line.lows = line.lows.map((below, at) => real(line.values[at] - below));
    line.highs = line.highs.map((above, at) => real(line.values[at] + above));
    line.values = line.values.map(real);
    line.seconds = line.moments.map((moment) => when.seconds[moment]);
    line.runs = Array.from(line.moments, (moment) => when.runs[moment]);
  }
  return lines;
});

async function missedOf(place) {
  const when = await moments("all");
  return index.missed
    .filter(([at]) => at === place)
    .map(([, framework, machine, moment, kind]) => ({
      framework,
      machine,
      kind,
      seconds: when.seconds[moment],
      run: when.runs[moment],
    }));
}

// Numbers as perfgate/report/words.py writes them.
const SCALES = {
  ms: [
    [60000, "min", 600000],
    [1000, "s", 1000],
    [1, "ms", 1],
    [0.001, "µs", 0],
  ],
  MiB: [
    [1024, "GiB", 1024],
    [1, "MiB", 0],
  ],
};

function scaleOf(value, unit) {
  const scales = SCALES[unit] ?? SCALES.ms;
  return scales.find(([, , from]) => value >= from) ?? scales[scales.length - 1];
}

function digits(value) {
  return value > 0 ? Math.min(3, Math.max(0, 2 - Math.floor(Math.log10(value)))) : 0;
}

function figure(value, unit) {
  const [size, name] = scaleOf(value, unit);
  return `${(value / size).toFixed(digits(value / size))} ${name}`;
}

function change(ratio) {
  if (ratio >= 10) return `×${Number(ratio.toPrecision(3))}`;
  const percent = (ratio - 1) * 100;
  const text = Math.abs(percent).toFixed(Math.abs(percent) >= 99.95 ? 0 : 1);
  return `${Number(text) === 0 ? "" : percent < 0 ? "\u2212" : "+"}${text} %`;
}

function day(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
