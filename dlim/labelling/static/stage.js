// The image with the boxes over it: zoom, what is drawn, and the pointer.
"use strict";

const $ = (id) => document.getElementById(id);

const ZOOMS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48];

/** From this zoom on single pixels are shown: their grid, and the one under the pointer. */
const CLOSE = 8;

/** CSS pixels from which on a box has room for a tag, and for handles in the middle of its edges. */
const ROOMY = 48;

/** CSS pixels that a pointer moves before a press is a drag. */
const SLACK = 3;

const COLOURS = ["#2563eb", "#c2410c", "#047857", "#9333ea", "#be185d", "#0e7490"];

const colourOf = (label) => COLOURS[drawing.labels.indexOf(label) % COLOURS.length];

/** Where the image's left upper corner stands on the stage, in CSS pixels, and how many a pixel takes. */
const view = {x: 0, y: 0, zoom: 1};

const stage = $("stage");

/** The point of the image under an event: {x, y} in pixels with fractions, also beside the image. */
function pointAt(event) {
  const corner = stage.getBoundingClientRect();
  return {x: (event.clientX - corner.left - view.x) / view.zoom, y: (event.clientY - corner.top - view.y) / view.zoom};
}

/** Zoom so that what is at that place on the stage stays there; its middle where none is said. */
function zoomTo(zoom, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const before = view.zoom;
  view.zoom = clamp(zoom, ZOOMS[0], ZOOMS.at(-1));
  place(x - ((x - view.x) * view.zoom) / before, y - ((y - view.y) * view.zoom) / before);
}

function zoomBy(steps, x, y) {
  const next = steps > 0 ? ZOOMS.find((zoom) => zoom > view.zoom) : ZOOMS.findLast((zoom) => zoom < view.zoom);
  if (next) zoomTo(next, x, y);
}

/** Move the image to a place on the stage, but never out of sight. */
function place(x, y) {
  const edge = 40;
  view.x = Math.round(clamp(x, edge - known.width * view.zoom, stage.clientWidth - edge));
  view.y = Math.round(clamp(y, edge - known.height * view.zoom, stage.clientHeight - edge));
  drawStage();
}

/** What stays free around a part that is shown: above for a tag, below for the buttons. */
const MARGIN = {side: 48, above: 48, below: 62};

/** Show a part of the image in the stage's middle, as large as whole steps allow; of a large shot all, at any scale. */
function showPart(box) {
  const width = Math.max(stage.clientWidth - 2 * MARGIN.side, 80);
  const height = Math.max(stage.clientHeight - MARGIN.above - MARGIN.below, 80);
  const most = Math.min(width / (box.x2 - box.x1), height / (box.y2 - box.y1));
  view.zoom = known.shot && most < 1 ? Math.max(most, ZOOMS[0]) : ZOOMS.findLast((zoom) => zoom <= most) ?? ZOOMS[0];
  const middle = {x: (box.x1 + box.x2) / 2, y: (box.y1 + box.y2) / 2};
  place(MARGIN.side + width / 2 - middle.x * view.zoom, MARGIN.above + height / 2 - middle.y * view.zoom);
}

// What is drawn

/** The object in a pointer's hand, in place of the one it comes from; null without. */
let held = null;
let hovered = null;

function drawStage() {
  const {x, y, zoom} = view;
  for (const layer of [$("image"), $("grid")]) {
    Object.assign(layer.style, {
      left: `${x}px`,
      top: `${y}px`,
      width: `${known.width * zoom}px`,
      height: `${known.height * zoom}px`,
    });
  }
  $("image").style.imageRendering = zoom < 1 ? "auto" : "pixelated";
  drawMask();
  $("grid").hidden = zoom < CLOSE;
  $("grid").style.backgroundSize = `${zoom}px ${zoom}px`;
  $("zoom").textContent = `${zoom < 1 ? zoom.toFixed(2) : Math.round(zoom * 10) / 10}×`;
  drawOverlay();
}

/** The objects as they are shown, with the one in hand. */
function shownObjects() {
  if (!held) return drawing.objects;
  if (held.index < 0) return [...drawing.objects, held.object];
  return drawing.objects.map((object, index) => (index === held.index ? held.object : object));
}

function drawOverlay() {
  const objects = shownObjects();
  const chosen = held ? (held.index < 0 ? objects.length - 1 : held.index) : drawing.chosen;
  const shapes = [known.crop && !known.shot ? rectangle(known.crop, "crop") : null];
  if (hovered && view.zoom >= CLOSE && !held) shapes.push(rectangle(hovered, "pixel"));
  if (mask.on) shapes.push(rectangle(brushBox(), "pixel"));
  const order = objects.map((_, index) => index).sort((one, other) => (one === chosen) - (other === chosen));
  for (const index of order) shapes.push(shapeOf(objects[index], index === chosen));
  if (objects[chosen] && !drag) shapes.push(...handles(objects[chosen]));
  $("overlay").replaceChildren(...shapes.filter(Boolean));
  const tagged = order.filter((index) => index === chosen || onStage(objects[index].box).height >= ROOMY);
  $("tags").replaceChildren(...tagged.map((index) => tagOf(objects[index], held && index === chosen)));
}

function node(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A box's rectangle on the stage, in CSS pixels. */
function onStage({x1, y1, x2, y2}) {
  const {x, y, zoom} = view;
  return {x: x + x1 * zoom, y: y + y1 * zoom, width: (x2 - x1) * zoom, height: (y2 - y1) * zoom};
}

const rectangle = (box, kind) => node("rect", {...onStage(box), class: kind});

function shapeOf(object, chosen) {
  const colour = colourOf(object.label) ?? COLOURS[0];
  const line = rectangle(object.box, "box");
  line.style.stroke = colour;
  if (chosen) line.style.fill = colour;
  return node("g", {class: chosen ? "chosen" : ""}, rectangle(object.box, "casing"), line);
}

function tagOf(object, withSize) {
  const {x, y} = onStage(object.box);
  const tag = document.createElement("div");
  tag.className = "tag";
  tag.textContent = object.label || "?";
  if (withSize) {
    const size = document.createElement("span");
    size.textContent = sizeText(object.box);
    tag.append(size);
  }
  Object.assign(tag.style, {
    background: colourOf(object.label) ?? COLOURS[0],
    left: `${Math.max(x - 1, 6)}px`,
    top: `${Math.max(y - 28, 6)}px`,
  });
  return tag;
}

/** What the chosen box is resized by: its corners, and its edges where they are long enough. */
function handles(object) {
  const {x, y, width, height} = onStage(object.box);
  const out = Math.min(width, height) < ROOMY ? 5 : 0; // beside a small box, so that it can be moved still
  const [left, middle, right] = [x - out, x + width / 2, x + width + out];
  const [upper, centre, lower] = [y - out, y + height / 2, y + height + out];
  const places = [
    ["x1 y1", left, upper],
    ["x2 y1", right, upper],
    ["x1 y2", left, lower],
    ["x2 y2", right, lower],
  ];
  if (width >= ROOMY) places.push(["y1", middle, upper], ["y2", middle, lower]);
  if (height >= ROOMY) places.push(["x1", left, centre], ["x2", right, centre]);
  const reach = out ? 6 : matchMedia("(pointer: coarse)").matches ? 18 : 10;
  return places.flatMap(([edges, cx, cy]) => {
    const mark = node("rect", {x: cx - 4.5, y: cy - 4.5, width: 9, height: 9, rx: 2, class: "handle"});
    mark.style.stroke = colourOf(object.label);
    const grip = {x: cx - reach, y: cy - reach, width: 2 * reach, height: 2 * reach, class: "grip", "data-edges": edges};
    return [mark, node("rect", grip)];
  });
}

// The pointer

/** What a press has begun: {kind, ...}; null while nothing is pressed. */
let drag = null;
let spaceHeld = false;
const fingers = new Map();
let pinch = null;

function press(event) {
  if (event.target.closest(".tools")) return;
  fingers.set(event.pointerId, event);
  stage.setPointerCapture(event.pointerId);
  stage.focus({preventScroll: true});
  if (fingers.size === 2) return startPinch();
  if (fingers.size > 2) return;
  const from = pointAt(event);
  const object = drawing.object;
  const edges = event.target.dataset?.edges;
  if (event.button === 1 || spaceHeld) {
    drag = {kind: "pan", x: event.clientX - view.x, y: event.clientY - view.y};
  } else if (event.button !== 0) {
    return;
  } else if (mask.on) {
    mask.step();
    mask.cursor = onCrop(from);
    mask.spot(mask.cursor.x, mask.cursor.y);
    drag = {kind: "paint"};
    changed();
  } else if (edges) {
    drag = {kind: "resize", edges: edges.split(" "), from, object};
  } else if (object && covers(object.box, from) && !event.shiftKey && !drawsNext()) {
    drag = {kind: "move", from, object};
  } else {
    drag = {kind: "draw", from, object};
  }
  Object.assign(drag, {started: false, clientX: event.clientX, clientY: event.clientY});
  event.preventDefault();
}

function move(event) {
  if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event);
  if (pinch) return movePinch();
  const point = pointAt(event);
  if (!drag) return hover(event, point);
  if (drag.kind === "paint") {
    mask.stroke(mask.cursor, onCrop(point));
    mask.cursor = onCrop(point);
    return changed();
  }
  const far = Math.hypot(event.clientX - drag.clientX, event.clientY - drag.clientY);
  if (!drag.started && far < SLACK) return;
  drag.started = true;
  if (drag.kind === "pan") return place(event.clientX - drag.x, event.clientY - drag.y);
  held = inHand(point);
  tell(point);
  drawOverlay();
}

/** Whether the next drag draws a box wherever it begins, as without a Shift key nothing else would say it. */
const drawsNext = (on) => {
  if (on !== undefined) $("draw").setAttribute("aria-pressed", on);
  return $("draw").getAttribute("aria-pressed") === "true";
};

/** The object that a drag has made by now, and which one it replaces. */
function inHand(point) {
  const {kind, from, object} = drag;
  if (kind === "draw") {
    const label = object?.label ?? drawing.objects.at(-1)?.label ?? known.label;
    return {index: -1, object: {label, box: drawn(from, point, known)}};
  }
  const dx = Math.round(point.x - from.x);
  const dy = Math.round(point.y - from.y);
  if (kind === "move") return {index: drawing.chosen, object: {...object, box: moved(object.box, dx, dy, known)}};
  const edges = Object.fromEntries(drag.edges.map((edge) => [edge, object.box[edge] + (edge[0] === "x" ? dx : dy)]));
  return {index: drawing.chosen, object: {...object, box: resized(object.box, edges, known)}};
}

function release(event) {
  fingers.delete(event.pointerId);
  if (pinch) {
    if (!fingers.size) pinch = null;
    return;
  }
  if (!drag) return;
  const {kind, started, from} = drag;
  const done = held;
  drag = held = null;
  if (event.type === "pointercancel" || kind === "pan" || kind === "paint") return drawOverlay();
  if (!started) choose(objectAt(from));
  else if (done.index < 0) {
    drawing.add(done.object.box);
    drawsNext(false);
  }
  else drawing.amend({box: done.object.box});
  changed();
}

/** The smallest object that covers a point; -1 where none does. */
function objectAt(point) {
  const found = drawing.objects.map((_, index) => index).filter((index) => covers(drawing.objects[index].box, point));
  return found.sort((one, other) => area(drawing.objects[one].box) - area(drawing.objects[other].box))[0] ?? -1;
}

function choose(index) {
  drawing.chosen = index;
}

/** End a drag as if it had never begun; whether there was one. */
function letGo() {
  const had = drag !== null;
  drag = held = null;
  drawOverlay();
  return had;
}

function hover(event, point) {
  const inside = covers({x1: 0, y1: 0, x2: known.width, y2: known.height}, point) && event.target.closest("#tools") === null;
  const pixel = {x1: Math.floor(point.x), y1: Math.floor(point.y), x2: Math.floor(point.x) + 1, y2: Math.floor(point.y) + 1};
  const grip = Boolean(event.target.dataset?.edges);
  if (mask.on) mask.cursor = onCrop(point);
  hovered = inside && !grip && event.pointerType === "mouse" ? pixel : null;
  stage.classList.toggle("moves", Boolean(drawing.object && covers(drawing.object.box, point) && !event.shiftKey && !drawsNext()));
  tell(inside ? point : null);
  drawOverlay();
}

/** Say which pixel the pointer is on, as VOC counts. */
function tell(point) {
  const at = (value, limit) => String(clamp(Math.floor(value), 0, limit - 1) + 1).padStart(3);
  $("pointer").textContent = point ? `x ${at(point.x, known.width)}  y ${at(point.y, known.height)}` : "";
}

function startPinch() {
  letGo();
  pinch = {...spread(), zoom: view.zoom, left: view.x, top: view.y};
}

function movePinch() {
  if (fingers.size !== 2) return;
  const now = spread();
  view.zoom = clamp((pinch.zoom * now.distance) / pinch.distance, ZOOMS[0], ZOOMS.at(-1));
  const scale = view.zoom / pinch.zoom;
  place(now.x - (pinch.x - pinch.left) * scale, now.y - (pinch.y - pinch.top) * scale);
}

/** Where two fingers are, on the stage: their middle, and how far apart. */
function spread() {
  const [one, other] = fingers.values();
  const corner = stage.getBoundingClientRect();
  return {
    x: (one.clientX + other.clientX) / 2 - corner.left,
    y: (one.clientY + other.clientY) / 2 - corner.top,
    distance: Math.max(Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY), 1),
  };
}

let wheeled = 0;

function wheel(event) {
  event.preventDefault();
  // a mouse's wheel comes in steps of about 100, a touch pad's in many small ones
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
  wheeled += event.deltaY * lines * (event.ctrlKey ? 4 : 1);
  if (Math.abs(wheeled) < 60) return;
  const corner = stage.getBoundingClientRect();
  zoomBy(-Math.sign(wheeled), event.clientX - corner.left, event.clientY - corner.top);
  wheeled = 0;
}

stage.addEventListener("pointerdown", press);
stage.addEventListener("pointermove", move);
stage.addEventListener("pointerup", release);
stage.addEventListener("pointercancel", release);
stage.addEventListener("pointerleave", () => {
  hovered = null;
  tell(null);
  drawOverlay();
});
stage.addEventListener("wheel", wheel, {passive: false});
$("smaller").addEventListener("click", () => zoomBy(-1));
$("larger").addEventListener("click", () => zoomBy(1));
$("draw").addEventListener("click", () => drawsNext(!drawsNext()));
$("to-crop").addEventListener("click", () => showPart(known.crop));
$("to-image").addEventListener("click", () => showPart({x1: 0, y1: 0, x2: known.width, y2: known.height}));
