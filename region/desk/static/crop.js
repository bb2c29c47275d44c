// The part of a picture that is shown: { x, y, size }, its middle and its sides as shares of the whole. Pure.

export const WHOLE = Object.freeze({ x: 0.5, y: 0.5, size: 1 });
const NARROWEST = 0.2; // as the station has it

export function inside({ x, y, size }) {
  const held = Math.min(1, Math.max(NARROWEST, size));
  const half = held / 2;
  const middle = (at) => Math.min(1 - half, Math.max(half, at));
  return { x: middle(x), y: middle(y), size: held };
}

// Closer by that factor; what lies at (atX, atY), shares of what is shown, stays where it is.
export function zoomed({ x, y, size }, factor, atX = 0.5, atY = 0.5) {
  const next = Math.min(1, Math.max(NARROWEST, size / factor));
  return inside({ x: x + (atX - 0.5) * (size - next), y: y + (atY - 0.5) * (size - next), size: next });
}

// Moved by shares of what is shown.
export function moved({ x, y, size }, right, down) {
  return inside({ x: x + right * size, y: y + down * size, size });
}

export function same(one, other) {
  return ["x", "y", "size"].every((key) => Math.abs(one[key] - other[key]) < 0.001);
}

// Whether the station's word is a part; whatever comes over the line may be anything.
export function isCrop(value) {
  return ["x", "y", "size"].every((key) => Number.isFinite(value?.[key]) && value[key] >= 0 && value[key] <= 1);
}
