// Boxes and what may be done to them: values in, values out.
//
// A box covers x1 <= x < x2 and y1 <= y < y2, in whole pixels that count from 0, and lies inside its image.
"use strict";

/** Pixels that a box has at least in each direction: VOC's readers want min < max, both inside the box. */
const LEAST = 2;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** The box over two points of the image, each in a pixel that it covers. */
function drawn(from, to, size) {
  const [x1, x2] = span(from.x, to.x, size.width);
  const [y1, y2] = span(from.y, to.y, size.height);
  return {x1, y1, x2, y2};
}

function span(from, to, limit) {
  const [first, last] = [from, to].map((value) => clamp(Math.floor(value), 0, limit - 1));
  const low = Math.min(first, last);
  const high = Math.max(first, last) + 1;
  if (high - low >= LEAST) return [low, high];
  return low + LEAST <= limit ? [low, low + LEAST] : [limit - LEAST, limit];
}

/** A box moved by whole pixels, up to the image's edges. */
function moved(box, dx, dy, size) {
  const x = clamp(dx, -box.x1, size.width - box.x2);
  const y = clamp(dy, -box.y1, size.height - box.y2);
  return {x1: box.x1 + x, y1: box.y1 + y, x2: box.x2 + x, y2: box.y2 + y};
}

/** A box with some of its edges put elsewhere, as far as the image and the opposite edge allow. */
function resized(box, edges, size) {
  const {x1, y1, x2, y2} = {...box, ...edges};
  return {
    x1: "x1" in edges ? clamp(x1, 0, box.x2 - LEAST) : box.x1,
    y1: "y1" in edges ? clamp(y1, 0, box.y2 - LEAST) : box.y1,
    x2: "x2" in edges ? clamp(x2, box.x1 + LEAST, size.width) : box.x2,
    y2: "y2" in edges ? clamp(y2, box.y1 + LEAST, size.height) : box.y2,
  };
}

const covers = (box, point) => point.x >= box.x1 && point.x < box.x2 && point.y >= box.y1 && point.y < box.y2;

const area = (box) => (box.x2 - box.x1) * (box.y2 - box.y1);

/** Whether two boxes share a pixel. */
const meet = (one, other) => one.x1 < other.x2 && other.x1 < one.x2 && one.y1 < other.y2 && other.y1 < one.y2;

/** As VOC counts: from 1, both ends inside. */
const toVoc = ({x1, y1, x2, y2}) => ({xmin: x1 + 1, ymin: y1 + 1, xmax: x2, ymax: y2});

const fromVoc = ({xmin, ymin, xmax, ymax}) => ({x1: xmin - 1, y1: ymin - 1, x2: xmax, y2: ymax});

const sizeText = (box) => `${box.x2 - box.x1} × ${box.y2 - box.y1}`;
