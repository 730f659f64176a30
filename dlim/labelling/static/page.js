// The page as a whole: what it asks of dlim, and the keys.
"use strict";

const TOKEN = new URLSearchParams(location.search).get("token");

let version = "";
let finishing = false;
let ended = false;

/** Draw what has changed. */
function changed() {
  drawOverlay();
  drawPanel();
}

// What dlim is asked

/** A fault that the person is told. */
class Told extends Error {}

async function ask(path, body) {
  const headers = {"X-Dlim-Token": TOKEN};
  const options = body === undefined ? {headers} : {
    method: "POST",
    headers: {...headers, "Content-Type": "application/json"},
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Told("dlim doesn’t answer: it was ended, or the tunnel to it is closed. What you drew is still on this page.");
  }
  if (response.ok) return response;
  throw Object.assign(new Told(await response.text()), {stale: response.status === 409});
}

/** Do something and tell what goes wrong with it; whether it went well. */
async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof Told)) throw error;
    say(error.message, {stale: error.stale});
    return false;
  }
}

async function load() {
  const told = await (await ask("/annotation")).json();
  Object.assign(known, told, {rule: new RegExp(`^(?:${told.rule})$`)});
  const [x1, y1, x2, y2] = told.crop;
  known.crop = fromVoc({xmin: x1, ymin: y1, xmax: x2, ymax: y2});
  version = told.version;
  for (const each of document.querySelectorAll("[data-master]")) each.hidden = known.shot;
  $("nothing").hidden = !known.shot;
  const objects = told.objects.map((thing) => ({
    label: thing.name,
    box: fromVoc(thing),
    difficult: thing.difficult,
    truncated: thing.truncated,
    pose: thing.pose,
  }));
  drawing.begin(objects, told.mended);
  $("project").textContent = told.project;
  $("file").replaceChildren(...told.file.split(/(?<=\/)/).flatMap((part) => [part, make("wbr", {})]));
  $("labels").replaceChildren(...told.labels.map((label) => make("option", {value: label})));
  document.title = `${told.project} – dlim`;
  say(told.notes.join("\n"), {note: true});
}

async function loadImage() {
  const data = await (await ask("/image")).blob();
  $("image").src = URL.createObjectURL(data);
  await $("image").decode();
}

/** The save that is under way: another one waits for it, as the server may answer two in another order. */
let saving = Promise.resolve();

/** Save; whether that went well. over: whatever the file has become meanwhile. */
function save(how = {}) {
  const next = saving.then(() => saveNow(how));
  saving = next.catch(() => {});
  return next;
}

async function saveNow({over = false}) {
  if (mistyped()) {
    $("label").focus();
    return false;
  }
  if (!mask.isSaved) {
    if (!(await attempt(saveMask))) return false;
    if (drawing.isSaved && !over) return true;
  }
  const sent = drawing.objects;
  const objects = sent.map(({label, box, ...rest}) => ({name: label, ...toVoc(box), ...rest}));
  return attempt(async () => {
    const answer = await (await ask("/annotation", {objects, version: over ? null : version})).json();
    version = answer.version;
    drawing.saved = JSON.stringify(sent);
    say("");
    changed();
  });
}

/** Whether boxes and mask are in their files as they are here. */
const allSaved = () => drawing.isSaved && mask.isSaved;

async function saveMask() {
  const {runs} = mask;
  await ask("/mask", {runs});
  mask.saved = JSON.stringify(runs);
  mask.source = runs.length > 1 ? "saved" : "none";
  changed();
}

/** Save what isn't yet, and end dlim's server; a second click changes nothing. */
async function finish() {
  if (finishing || ended) return;
  finishing = true;
  try {
    await end();
  } finally {
    finishing = false;
  }
}

async function end() {
  const unsaid = known.shot && !version; // without a box, too, a person has looked at it
  if ((!allSaved() || mistyped() || unsaid) && !(await save())) return;
  if (!(await attempt(() => ask("/done", {})))) return;
  ended = true;
  const count = drawing.objects.length;
  $("ended-text").textContent = count
    ? `${count === 1 ? "1 object is" : `${count} objects are`} in ${known.file}. You can close this tab.`
    : known.shot ? `${known.file} says that there is nothing to find. You can close this tab.`
    : "Nothing was drawn. You can close this tab.";
  $("ended").hidden = false;
}

async function start() {
  if (!(await attempt(async () => { await load(); await loadImage(); }))) return;
  showPart(known.crop);
  changed();
}

$("save").addEventListener("click", () => save());
$("done").addEventListener("click", finish);
$("undo").addEventListener("click", () => key("undo"));
$("redo").addEventListener("click", () => key("redo"));
$("ask").addEventListener("click", () => $("help").showModal());
$("reload").addEventListener("click", () => attempt(async () => { await load(); changed(); }));
$("replace").addEventListener("click", () => save({over: true}));
addEventListener("beforeunload", (event) => {
  if (!allSaved() && !ended) event.preventDefault();
});
new ResizeObserver(() => place(view.x, view.y)).observe(stage);

// Keys

const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

/** What a key does where no text is being typed, by its name. */
const KEYS = {
  undo: () => drawing.undo(),
  redo: () => drawing.redo(),
  Delete: () => drawing.remove(),
  Backspace: () => drawing.remove(),
  Escape: () => letGo() || choose(-1),
  "[": () => chooseNext(-1),
  "]": () => chooseNext(1),
  b: boxTheCrop,
  t: () => drawing.amend({truncated: !drawing.object?.truncated}),
  d: () => drawing.amend({difficult: !drawing.object?.difficult}),
  c: () => showPart(known.crop),
  0: () => $("to-image").click(),
  "+": () => zoomBy(1),
  "=": () => zoomBy(1),
  "-": () => zoomBy(-1),
  "?": () => $("help").showModal(),
  n: () => drawsNext(!drawsNext()),
  m: () => maskMode(),
  l: typeLabel,
  Enter: typeLabel,
};

/** Keys of what a shot doesn't have: a crop, and a mask. */
const OF_MASTERS = ["b", "c", "m"];

function key(name) {
  if (known.shot && OF_MASTERS.includes(name)) return;
  KEYS[name]();
  changed();
}

function chooseNext(step) {
  const count = drawing.objects.length;
  if (count) choose((drawing.chosen + step + count + (drawing.chosen < 0 && step < 0 ? 1 : 0)) % count);
}

function typeLabel() {
  $("label").focus();
  $("label").select();
}

/** An arrow: the chosen box moves, or its right or lower edge does. */
function nudge(event) {
  const by = event.shiftKey ? 10 : 1;
  const [dx, dy] = ARROWS[event.key].map((way) => way * by);
  const {box} = drawing.object;
  const edges = dx ? {x2: box.x2 + dx} : {y2: box.y2 + dy};
  const resizes = event.altKey || event.ctrlKey || event.metaKey;
  drawing.amend({box: resizes ? resized(box, edges, known) : moved(box, dx, dy, known)}, event.repeat);
  changed();
}

/** An arrow with no box chosen: the image moves, so that what lies there comes into sight. */
function pan(event) {
  const [dx, dy] = ARROWS[event.key].map((way) => way * (event.shiftKey ? 200 : 40));
  place(view.x - dx, view.y - dy);
}

/** What a key writes, in small letters; by its place where an input method takes what it writes, or another script. */
function written(event) {
  if (event.key.length === 1 ? event.key.charCodeAt(0) < 128 : event.key !== "Process" && event.key !== "Unidentified") return event.key.toLowerCase();
  const [, letter] = event.code.match(/^(?:Key|Digit|Numpad)(\w)$/) ?? [];
  return letter?.toLowerCase() ?? {BracketLeft: "[", BracketRight: "]", Minus: "-", Equal: "=", Space: " "}[event.code] ?? event.code;
}

/** The name under which KEYS has what an event means; undefined where that is nothing. */
function named(event) {
  const letter = written(event);
  if (event.ctrlKey || event.metaKey) {
    if (letter === "z") return event.shiftKey ? "redo" : "undo";
    return letter === "y" ? "redo" : undefined;
  }
  if (event.altKey) return undefined;
  return [letter, event.key].find((name) => Object.hasOwn(KEYS, name) && name !== "undo" && name !== "redo");
}

function pressed(event) {
  if (ended || $("help").open) return;
  const command = event.ctrlKey || event.metaKey;
  if (command && ["s", "enter"].includes(written(event))) {
    event.preventDefault();
    const focused = document.activeElement;
    focused?.blur(); // a text that is being typed counts
    if (focused?.isConnected && focused !== document.body) focused.focus();
    if (event.key === "Enter") finish();
    else save();
  } else if (event.target.matches("input:not([type=checkbox])")) {
    if (!event.isComposing) typed(event);
  } else if (drag && event.key !== "Escape") {
    return; // one thing at a time
  } else if (mask.on && !event.target.matches("button, input") && maskKey(event, written(event) === " " ? " " : (named(event) ?? written(event)))) {
    event.preventDefault();
  } else if (written(event) === " " && !event.target.matches("button, input")) {
    spaceHeld = true;
    stage.classList.add("pans");
    event.preventDefault();
  } else if (event.target.matches("button, input") && [" ", "Enter"].includes(event.key)) {
    return;
  } else if (event.key in ARROWS && !drag) {
    event.preventDefault();
    if (drawing.object) nudge(event);
    else pan(event);
  } else if (/^[1-9]$/.test(written(event)) && !command && !event.altKey) {
    $("chips").children[written(event) - 1]?.click();
  } else if (named(event)) {
    event.preventDefault();
    key(named(event));
  }
}

/** In a text field, Enter takes what was typed and Escape puts back what was; both go back to the image. */
function typed(event) {
  if (event.key === "Escape") {
    showLabel(drawing.object.label);
    drawEditor();
  }
  if (event.key === "Enter" || event.key === "Escape") {
    event.target.blur();
    if (!mistyped()) stage.focus();
    else event.target.focus();
  }
}

addEventListener("keydown", pressed);
addEventListener("keyup", (event) => {
  if (event.key !== " ") return;
  spaceHeld = false;
  stage.classList.remove("pans");
});

start();
