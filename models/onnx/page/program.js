// Runs the model of this page in the browser, with onnxruntime-web.
const facts = JSON.parse(document.getElementById("facts").textContent);
const { px } = facts;
const $ = (id) => document.getElementById(id);
const RIDGE = 1, VALLEY = 2;
const SCALE = 8; // pixels of the picture for one of the terrain

// --- random numbers: the same seed gives the same terrain on every machine, up to the rounding of its processor
function uniform(seed) { // mulberry32
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
function normals(random, count) {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const size = Math.sqrt(-2 * Math.log(1 - random())), angle = 2 * Math.PI * random();
    out[i] = size * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = size * Math.sin(angle);
  }
  return out;
}

// --- words, as models/consistency/text splits and looks them up
const codes = new Map((facts.words ?? []).map((word, place) => [word, 2 + place]));
const numbers = [...codes.keys()].filter((word) => word[0] === "#").map((word) => Number(word.slice(1))).sort((a, b) => a - b);
function tokens(text) {
  const found = text.toLowerCase().match(/\d[\d,]*(?:\.\d+)?|\p{L}+(?:[-'’]\p{L}+)*|°/gu) ?? [];
  return found.map((part) => /^\d/.test(part) ? `#${Math.round(4 * Math.log2(1 + Number(part.replaceAll(",", ""))))}` : part);
}
function code(token) {
  if (token[0] === "#" && numbers.length) {
    const value = Number(token.slice(1));
    return codes.get(`#${numbers.reduce((best, each) => Math.abs(each - value) < Math.abs(best - value) ? each : best)}`);
  }
  const forms = [token, `${token}s`, `${token}es`];
  if (token.endsWith("s")) forms.push(token.slice(0, -1));
  if (token.endsWith("es")) forms.push(token.slice(0, -2));
  if (token.endsWith("ies")) forms.push(`${token.slice(0, -3)}y`);
  if (token.endsWith("y")) forms.push(`${token.slice(0, -1)}ies`);
  return codes.get(forms.find((form) => codes.has(form))) ?? 1;
}
function read(text) {
  const row = new BigInt64Array(facts.length ?? 0), words = tokens(text).slice(0, row.length);
  const known = words.map(code);
  if (known.some((value) => value !== 1)) known.forEach((value, place) => { row[place] = BigInt(value); });
  return { row, unknown: [...new Set(words.filter((word, place) => known[place] === 1))] };
}

// --- one terrain
const sketch = new Float32Array(px * px);
function anyFacts(random) { // a terrain's relief and elevation without words: models.core.height_encoding
  const { known, smoothing } = facts, moved = normals(random, 2);
  const row = known[Math.floor(random() * known.length)];
  return Float32Array.from([0, 1], (k) => {
    const centre = known.reduce((sum, each) => sum + each[k], 0) / known.length;
    const spread = Math.sqrt(known.reduce((sum, each) => sum + (each[k] - centre) ** 2, 0) / known.length);
    return centre + (row[k] + smoothing * spread * moved[k] - centre) / Math.sqrt(1 + smoothing ** 2);
  });
}
function feeds(text, seed, guidance) {
  const random = uniform(seed), { row, unknown } = read(text);
  const made = {
    noise: new ort.Tensor("float32", normals(random, px * px), [1, 1, px, px]),
    facts: new ort.Tensor("float32", anyFacts(random), [1, 2]),
    chances: new ort.Tensor("float32", Float32Array.from([random(), ...normals(random, 2)]), [1, 3]),
    text: new ort.Tensor("int64", row, [1, row.length]),
    guidance: new ort.Tensor("float32", [row.some((value) => value) ? guidance : 1], [1]),
    sketch: new ort.Tensor("float32", sketch.slice(), [1, px, px]),
  };
  return { unknown, feeds: Object.fromEntries(Object.keys(facts.inputs).map((name) => [name, made[name]])) };
}

// --- the picture: colours by height, shaded from the north-west
const COLOURS = [[0, [94, 129, 92]], [0.25, [158, 172, 115]], [0.5, [196, 174, 126]], [0.75, [156, 124, 98]], [1, [236, 232, 226]]];
function colour(share) {
  const above = Math.max(1, COLOURS.findIndex(([stop]) => stop >= share));
  const [low, from] = COLOURS[above - 1], [high, to] = COLOURS[above], t = (share - low) / (high - low);
  return from.map((value, k) => value + t * (to[k] - value));
}
function between(heights, y, x) { // cubic interpolation (Catmull and Rom), so that shading has no facets
  const at = (i, j) => heights[Math.min(px - 1, Math.max(0, i)) * px + Math.min(px - 1, Math.max(0, j))];
  const cubic = (a, b, c, d, t) => b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
  const i = Math.floor(y), j = Math.floor(x);
  const rows = [-1, 0, 1, 2].map((k) => cubic(at(i + k, j - 1), at(i + k, j), at(i + k, j + 1), at(i + k, j + 2), x - j));
  return cubic(...rows, y - i);
}
function draw(heights) {
  const canvas = $("map"), side = px * SCALE, fine = new Float32Array(side * side);
  canvas.width = canvas.height = side;
  for (let i = 0; i < side; i++) for (let j = 0; j < side; j++)
    fine[i * side + j] = between(heights, (i + 0.5) / SCALE - 0.5, (j + 0.5) / SCALE - 0.5);
  const low = fine.reduce((a, b) => Math.min(a, b)), high = fine.reduce((a, b) => Math.max(a, b));
  // Plains need exaggeration and mountains do not: the steepest slopes shade alike.
  const metres = (facts.gsd ?? 30) / SCALE, steep = Math.max(1, 0.9 * px * (facts.gsd ?? 30) / (8 * Math.max(1, high - low)));
  const image = new ImageData(side, side);
  for (let i = 0; i < side; i++) for (let j = 0; j < side; j++) {
    const at = (a, b) => fine[Math.min(side - 1, Math.max(0, a)) * side + Math.min(side - 1, Math.max(0, b))];
    const dx = steep * (at(i, j + 1) - at(i, j - 1)) / (2 * metres), dy = steep * (at(i + 1, j) - at(i - 1, j)) / (2 * metres);
    const light = (0.5 * dx + 0.5 * dy + 0.7071) / Math.hypot(dx, dy, 1), shade = 0.35 + 0.9 * Math.max(0, light);
    const rgb = colour((fine[i * side + j] - low) / Math.max(1e-6, high - low));
    image.data.set([...rgb.map((value) => shade * value), 255], 4 * (i * side + j));
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return [low, high];
}

// --- the drawing
function pen() {
  const canvas = $("pen"), context = canvas.getContext("2d");
  canvas.width = canvas.height = px * SCALE;
  const show = () => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    sketch.forEach((kind, place) => {
      if (!kind) return;
      context.fillStyle = kind === RIDGE ? "#d02020" : "#2040d0";
      context.fillRect((place % px) * SCALE, Math.floor(place / px) * SCALE, SCALE, SCALE);
    });
  };
  let last = null;
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height * px, (event.clientX - box.left) / box.width * px];
  };
  const to = (event) => {
    if (!last) return;
    const now = point(event), steps = Math.ceil(2 * Math.hypot(now[0] - last[0], now[1] - last[1])) || 1;
    for (let k = 0; k <= steps; k++) {
      const [i, j] = [0, 1].map((axis) => Math.floor(last[axis] + (now[axis] - last[axis]) * k / steps));
      if (i >= 0 && j >= 0 && i < px && j < px) sketch[i * px + j] = Number($("kind").value) === RIDGE ? RIDGE : VALLEY;
    }
    last = now;
    show();
  };
  canvas.onpointerdown = (event) => { canvas.setPointerCapture(event.pointerId); last = point(event); to(event); };
  canvas.onpointermove = to;
  canvas.onpointerup = canvas.onpointercancel = () => { if (last) { last = null; make(); } };
  $("clear").onclick = () => { sketch.fill(0); show(); make(); };
}

// --- the page
const bytes = (id) => Uint8Array.from(atob($(id).textContent.trim()), (letter) => letter.charCodeAt(0));
let ort, session, newest = null, busy = false, again = false;
async function make() {
  if (!session) return;
  if (busy) { again = true; return; } // the last wish wins
  busy = true;
  try {
    const seed = Math.abs(Math.trunc(Number($("seed").value))) || 0, { feeds: given, unknown } = feeds($("words").value, seed, Number($("guidance").value));
    const began = performance.now(), { heights } = await session.run(given), took = performance.now() - began;
    newest = heights.data;
    const [low, high] = draw(newest);
    $("told").textContent = `${low.toFixed(0)} to ${high.toFixed(0)} m, ${facts.gsd ? `${(px * facts.gsd / 1000).toFixed(1)} km a side, ` : ""}made in ${took.toFixed(0)} ms.` +
      (unknown.length ? ` The model never saw: ${unknown.join(", ")}.` : "");
    $("save").disabled = false;
    document.body.dataset.made = String(1 + Number(document.body.dataset.made ?? 0));
  } catch (error) {
    $("told").textContent = `The model failed: ${error.message}`;
  } finally {
    busy = false;
    if (again) { again = false; make(); }
  }
}
function save() {
  const rows = Array.from({ length: px }, (_, row) => Array.from(newest.slice(row * px, (row + 1) * px), (value) => value.toFixed(2)).join(" "));
  const head = [`ncols ${px}`, `nrows ${px}`, "xllcorner 0", "yllcorner 0", `cellsize ${facts.gsd ?? 1}`, "NODATA_value -9999"];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([[...head, ...rows].join("\n"), "\n"], { type: "text/plain" }));
  link.download = `terrain-${$("seed").value}.asc`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
$("form").onsubmit = (event) => { event.preventDefault(); make(); };
$("next").onclick = () => { $("seed").value = 1 + Number($("seed").value); make(); };
$("guidance").oninput = make;
$("save").onclick = save;
$("guidance").max = facts.most_guidance ?? 1;
$("strength").hidden = !("guidance" in facts.inputs);
$("words").hidden = !("text" in facts.inputs);
$("drawing").hidden = !("sketch" in facts.inputs);
if ("sketch" in facts.inputs) pen();
window.landloom = { read, feeds }; // for a person at the console, and for tests
const start = async () => {
  const address = $("runtime").textContent.trim();
  try {
    ort = await import(address);
  } catch {
    $("told").textContent = `The page needs ${address.split("/").slice(0, 3).join("/")}, which cannot be reached.`;
    return;
  }
  try {
    ort.env.wasm.numThreads = 1;
    if ($("wasm").textContent.trim()) ort.env.wasm.wasmBinary = bytes("wasm").buffer;
    session = await ort.InferenceSession.create(bytes("model"), { executionProviders: ["wasm"] });
  } catch (error) {
    $("told").textContent = `The model cannot start in this browser: ${error.message}`;
    return;
  }
  await make();
};
await start();
