// The mask: which pixels of the crop are the object's, painted with a brush, by mouse, finger or keys.
"use strict";

/** data: a byte for each pixel of the crop, row by row; null until it is asked for. cursor: the brush's pixel there. */
const mask = {
  on: false,
  data: null,
  width: 0,
  height: 0,
  saved: "",
  source: "none",
  erases: false,
  size: 3,
  cursor: {x: 0, y: 0},
  past: [],
  future: [],

  /** As the server has it: runs of pixels that aren't the object's, and of those that are, in turn. */
  get runs() {
    const runs = [];
    let value = 0;
    let count = 0;
    for (const each of this.data ?? []) {
      if (each !== value) {
        runs.push(count);
        value = each;
        count = 0;
      }
      count += 1;
    }
    return [...runs, count];
  },

  /** Take what the server sent; one that was only suggested isn't saved. */
  take({runs, source}, keeps = false) {
    this.width = known.crop.x2 - known.crop.x1;
    this.height = known.crop.y2 - known.crop.y1;
    if (keeps) this.step();
    this.data = new Uint8Array(this.width * this.height);
    let at = 0;
    runs.forEach((count, index) => {
      if (index % 2) this.data.fill(1, at, at + count);
      at += count;
    });
    this.source = source;
    if (!keeps) this.saved = JSON.stringify(this.runs);
  },

  get isSaved() {
    return this.data === null || JSON.stringify(this.runs) === this.saved;
  },

  /** What follows can be taken back. */
  step() {
    this.past.push(this.data.slice());
    this.future = [];
  },

  back(from, to) {
    if (!from.length) return;
    to.push(this.data);
    this.data = from.pop();
  },

  /** Paint, or erase, a round spot around a pixel of the crop. */
  spot(x, y) {
    const far = (this.size - 1) / 2;
    for (let row = Math.ceil(y - far); row <= y + far; row++) {
      for (let column = Math.ceil(x - far); column <= x + far; column++) {
        const inside = column >= 0 && column < this.width && row >= 0 && row < this.height;
        if (inside && Math.hypot(column - x, row - y) <= far + 0.25) this.data[row * this.width + column] = this.erases ? 0 : 1;
      }
    }
  },

  /** Spots along a line, so that a quick stroke has no gaps. */
  stroke(from, to) {
    const count = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y)));
    for (let number = 0; number <= count; number++) {
      this.spot(Math.round(from.x + ((to.x - from.x) * number) / count), Math.round(from.y + ((to.y - from.y) * number) / count));
    }
  },
};

/** The pixel of the crop under a point of the image. */
const onCrop = (point) => ({x: Math.floor(point.x) - known.crop.x1, y: Math.floor(point.y) - known.crop.y1});

function drawMask() {
  const sheet = $("mask");
  sheet.hidden = !mask.data || !mask.on;
  if (sheet.hidden) return;
  const {x, y, width, height} = onStage(known.crop);
  Object.assign(sheet.style, {left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px`});
  if (sheet.width !== mask.width || sheet.height !== mask.height) Object.assign(sheet, {width: mask.width, height: mask.height});
  const pixels = new ImageData(mask.width, mask.height);
  mask.data.forEach((each, index) => pixels.data.set(each ? [226, 0, 140, 150] : [0, 0, 0, 0], 4 * index));
  sheet.getContext("2d").putImageData(pixels, 0, 0);
}

/** The brush as a box of the image. */
function brushBox() {
  const far = Math.floor(mask.size / 2);
  const [x, y] = [mask.cursor.x + known.crop.x1, mask.cursor.y + known.crop.y1];
  return {x1: x - far, y1: y - far, x2: x + mask.size - far, y2: y + mask.size - far};
}

async function loadMask() {
  mask.take(await (await ask("/mask")).json());
  mask.cursor = {x: Math.floor(mask.width / 2), y: Math.floor(mask.height / 2)};
}

/** Show the mask and paint on it, or go back to the boxes. */
async function maskMode(on = !mask.on) {
  if (on && !mask.data && !(await attempt(loadMask))) return;
  mask.on = on;
  if (on) choose(-1);
  drawStage();
  changed();
}

async function suggestMask() {
  const objects = drawing.objects.map(({label, box, ...rest}) => ({name: label, ...toVoc(box), ...rest}));
  await attempt(async () => mask.take(await (await ask("/suggestion", {objects, version: null})).json(), true));
  changed();
}

const MASK_KEYS = {
  e: () => { mask.erases = !mask.erases; },
  "[": () => { mask.size = Math.max(1, mask.size - 1); },
  "]": () => { mask.size = Math.min(99, mask.size + 1); },
  " ": () => { mask.step(); mask.spot(mask.cursor.x, mask.cursor.y); },
  undo: () => mask.back(mask.past, mask.future),
  redo: () => mask.back(mask.future, mask.past),
};

/** What a key does to the mask; whether it was one of the mask's. */
function maskKey(event, name) {
  if (event.key in ARROWS) {
    const [dx, dy] = ARROWS[event.key].map((way) => way * (event.shiftKey ? 10 : 1));
    mask.cursor = {x: clamp(mask.cursor.x + dx, 0, mask.width - 1), y: clamp(mask.cursor.y + dy, 0, mask.height - 1)};
    if (event.altKey) mask.spot(mask.cursor.x, mask.cursor.y);
  } else if (Object.hasOwn(MASK_KEYS, name ?? "")) MASK_KEYS[name]();
  else return false;
  changed();
  return true;
}

function drawMaskPanel() {
  $("to-mask").setAttribute("aria-pressed", mask.on);
  $("masking").hidden = !mask.on;
  $("brush").setAttribute("aria-pressed", !mask.erases);
  $("eraser").setAttribute("aria-pressed", mask.erases);
  $("brush-size").value = mask.size;
  const told = {saved: "Saved in mask.png.", suggested: "Suggested from the boxes.", none: "There is none: draw a box, or paint."};
  $("mask-source").textContent = mask.isSaved ? told[mask.source] : "Changed.";
  drawMask();
}

$("to-mask").addEventListener("click", () => maskMode());
$("suggest").addEventListener("click", suggestMask);
for (const [id, erases] of [["brush", false], ["eraser", true]]) {
  $(id).addEventListener("click", () => {
    mask.erases = erases;
    changed();
  });
}
$("brush-size").addEventListener("input", () => {
  mask.size = Number($("brush-size").value);
  changed();
});
$("clear").addEventListener("click", () => {
  mask.step();
  mask.data = new Uint8Array(mask.width * mask.height);
  changed();
});
