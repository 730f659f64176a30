// The objects that are being drawn, with what was before and what was undone.
"use strict";

/** What the server said: the project, the image's size, the crop, the labels. Filled by page.js. */
const known = {width: 0, height: 0, crop: null, shot: false, labels: [], label: "", rule: /^$/, most: 0};

/** An object is {label, box, difficult, truncated, pose}; objects are never changed, only replaced. */
const drawing = {
  objects: [],
  chosen: -1,
  past: [],
  future: [],
  saved: "[]",

  /** Start from these objects, which are in the file as they are unless they had to be mended. */
  begin(objects, mended) {
    Object.assign(this, {objects, chosen: objects.length === 1 ? 0 : -1, past: [], future: []});
    this.saved = mended ? "" : JSON.stringify(objects);
  },

  get object() {
    return this.objects[this.chosen];
  },

  get isSaved() {
    return JSON.stringify(this.objects) === this.saved;
  },

  /** Another state. merge: it goes on with the step before, as a key held down does. */
  change(objects, chosen = this.chosen, merge = false) {
    if (JSON.stringify(objects) === JSON.stringify(this.objects)) {
      this.chosen = chosen;
      return;
    }
    if (!merge || !this.past.length) this.past.push({objects: this.objects, chosen: this.chosen});
    Object.assign(this, {objects, chosen, future: []});
  },

  /** The chosen object with some of its fields changed. */
  amend(fields, merge = false) {
    if (!this.object) return;
    const changed = {...this.object, ...fields};
    this.change(this.objects.map((object, index) => (index === this.chosen ? changed : object)), this.chosen, merge);
  },

  /** Another object with this box, chosen. It's called like the one before. */
  add(box) {
    const label = this.object?.label ?? this.objects.at(-1)?.label ?? known.label;
    const object = {label, box, difficult: false, truncated: false, pose: "Unspecified"};
    this.change([...this.objects, object], this.objects.length);
  },

  remove() {
    if (this.object) this.change(this.objects.filter((_, index) => index !== this.chosen), -1);
  },

  undo() {
    this.step(this.past, this.future);
  },

  redo() {
    this.step(this.future, this.past);
  },

  step(from, to) {
    if (!from.length) return;
    to.push({objects: this.objects, chosen: this.chosen});
    Object.assign(this, from.pop());
  },

  /** The labels in use here, in the order of their first box. */
  get labels() {
    return [...new Set(this.objects.map((object) => object.label))];
  },
};

/** Why a text can't be a label; empty where it can. The server has the last word. */
function labelFault(label) {
  if (known.rule.test(label)) return "";
  if (!label) return "Type a label.";
  if (known.rule.test(label.toLowerCase())) {
    return `Upper-case letters are lower-cased by SSD loaders: write “${label.toLowerCase()}”.`;
  }
  return "Use a-z, 0-9, _ and - only, up to 40 of them.";
}

/** What may be wrong with an object that a build could use; empty where nothing is. */
function hintOf(object) {
  const same = drawing.objects.find((other) => other !== object && JSON.stringify(other.box) === JSON.stringify(object.box));
  if (same) return same.label === object.label ? "The same box twice." : `The same box as “${same.label}”.`;
  const {x1, y1, x2, y2} = known.crop;
  const over = object.box.x1 < x1 || object.box.y1 < y1 || object.box.x2 > x2 || object.box.y2 > y2;
  return over ? "Reaches over the crop: what lies outside is cut off." : "";
}

/** Why a build could not use an object; empty where it can. */
function faultOf(object) {
  if (labelFault(object.label)) return labelFault(object.label);
  return meet(object.box, known.crop) ? "" : "Lies outside the crop.";
}
