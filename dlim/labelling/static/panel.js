// What stands beside the image: the list of objects, the fields of the chosen one, and messages.
"use strict";

const EDGES = ["xmin", "ymin", "xmax", "ymax"];

function make(name, attributes, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

function drawPanel() {
  refill($("objects"), drawing.objects.map(rowOf));
  $("none").hidden = drawing.objects.length > 0;
  const steps = mask.on ? mask : drawing;
  $("undo").disabled = !steps.past.length;
  $("redo").disabled = !steps.future.length;
  drawEditor();
  drawMaskPanel();
  drawState();
}

/** Other children in the place of those that were: the focus stays at its number among them. */
function refill(list, children) {
  const at = [...list.children].findIndex((child) => child.contains(document.activeElement));
  list.replaceChildren(...children);
  if (at < 0) return;
  const next = list.children[Math.min(at, children.length - 1)];
  (next?.querySelector("button") ?? next ?? stage).focus();
}

function rowOf(object, index) {
  const {xmin, ymin, xmax, ymax} = toVoc(object.box);
  const marks = [object.truncated ? "truncated" : "", object.difficult ? "difficult" : ""].filter(Boolean).join(", ");
  const row = make(
    "button",
    {type: "button"},
    swatch(object.label),
    make("span", {className: "name", textContent: object.label || "no label"}),
    make("span", {className: "marks", textContent: marks}),
    make("span", {className: "where", textContent: `x ${xmin}–${xmax}  y ${ymin}–${ymax}  ${sizeText(object.box)}`}),
  );
  const fault = faultOf(object);
  if (fault) row.append(make("span", {className: "fault", textContent: fault}));
  else if (hintOf(object)) row.append(make("span", {className: "note", textContent: hintOf(object)}));
  row.setAttribute("aria-pressed", index === drawing.chosen);
  row.addEventListener("click", () => {
    choose(index);
    changed();
    $("objects").children[index].firstChild.focus();
  });
  return make("li", {}, row);
}

function swatch(label) {
  const mark = node("rect", {x: 2, y: 2, width: 8, height: 8, rx: 1.5, fill: "none"});
  mark.style.stroke = colourOf(label);
  return node("svg", {viewBox: "0 0 12 12", "aria-hidden": true}, mark);
}

// The chosen object

/** Which object's fields are shown: while that is the same, a text that can't be its label stays to be mended. */
let edited = -1;

function drawEditor() {
  const object = drawing.object;
  $("editor").hidden = !object;
  if (edited !== drawing.chosen || !mistyped()) showLabel(object?.label ?? "");
  edited = drawing.chosen;
  if (!object) return;
  const edges = toVoc(object.box);
  for (const edge of EDGES) $(edge).value = edges[edge];
  $("size").textContent = sizeText(object.box);
  $("truncated").checked = object.truncated;
  $("difficult").checked = object.difficult;
  const labels = known.shot ? [...new Set([...known.labels, ...drawing.labels])] : drawing.labels; // a shot shows any
  const chips = labels.length > 1 ? labels.slice(0, 9) : [];
  refill($("chips"), chips.map((label, index) => chipOf(label, index, object)));
}

/** Whether the label field holds a text that can't be one. */
const mistyped = () => drawing.object !== undefined && $("label").getAttribute("aria-invalid") === "true";

function showLabel(label) {
  $("label").value = label;
  showFault(labelFault(label));
}

function showFault(fault) {
  $("label").setAttribute("aria-invalid", fault !== "");
  $("label-fault").hidden = !fault;
  $("label-fault").textContent = fault;
}

function chipOf(label, index, object) {
  const chip = make("button", {type: "button"}, make("span", {textContent: label}), make("kbd", {textContent: index + 1}));
  chip.setAttribute("aria-pressed", label === object.label);
  chip.addEventListener("click", () => giveLabel(label));
  return chip;
}

/** Call the chosen object so, or say why it can't be. */
function giveLabel(label) {
  const fault = labelFault(label);
  if (fault) {
    showFault(fault);
    return;
  }
  showLabel(label);
  drawing.amend({label});
  changed();
}

/** Take a typed coordinate, or put back the one that was. */
function giveEdge(edge) {
  const value = Number($(edge).value);
  if (Number.isInteger(value) && $(edge).value !== "") {
    const box = fromVoc({...toVoc(drawing.object.box), [edge]: value});
    const moved = {xmin: "x1", ymin: "y1", xmax: "x2", ymax: "y2"}[edge];
    drawing.amend({box: resized(drawing.object.box, {[moved]: box[moved]}, known)});
  }
  changed();
}

$("label").addEventListener("change", () => giveLabel($("label").value.trim()));
$("label").addEventListener("input", () => showFault(labelFault($("label").value.trim())));
for (const edge of EDGES) $(edge).addEventListener("change", () => giveEdge(edge));
for (const flag of ["truncated", "difficult"]) {
  $(flag).addEventListener("change", () => {
    drawing.amend({[flag]: $(flag).checked});
    changed();
  });
}
$("delete").addEventListener("click", () => {
  drawing.remove();
  changed();
});
$("editor").addEventListener("submit", (event) => event.preventDefault());
$("around").addEventListener("click", boxTheCrop);

/** A box around the whole crop: the chosen one, or another. */
function boxTheCrop() {
  if (drawing.object) drawing.amend({box: {...known.crop}});
  else drawing.add({...known.crop});
  changed();
}

// State and messages

function drawState() {
  const empty = !drawing.objects.length && allSaved();
  const state = empty ? "empty" : allSaved() ? "saved" : "unsaved";
  $("state").dataset.state = state;
  $("state").textContent = {empty: known.shot && version ? "Nothing to find" : "No box yet", saved: "Saved", unsaved: "Not saved"}[state];
}

/** Show a line or several; a note is nothing that went wrong. stale: offer what to do about a changed file. */
function say(text, {note = false, stale = false} = {}) {
  $("told").textContent = text;
  $("message").className = note ? "note" : "";
  $("choices").hidden = !stale;
  $("message").hidden = !text;
}

$("hide").addEventListener("click", () => say(""));
