// How a cell of a heatmap is painted: normal in a shade of what is healthy, abnormal with colour and letter, what is
// not good hatched.
import { css, figure, quality } from "./base.js";

const NAMES = ["ink", "soft", "line", "panel", "page", "high", "medium", "cold", "warm", "onhigh", "onmedium", "accent", "hatch"];
const SHADES = 32;

export class Painter {
  constructor(canvas, width, height) {
    const ratio = window.devicePixelRatio || 1;
    Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    this.g = canvas.getContext("2d");
    this.g.scale(ratio, ratio);
    this.font = getComputedStyle(canvas).fontFamily;
    this.colours = Object.fromEntries(NAMES.map((name) => [name, css(`--${name}`)]));
    this.shades = Array.from({ length: SHADES }, (_, k) => mix(this.colours.cold, this.colours.warm, k / (SHADES - 1)));
  }
  // `decimals` null: no figure. What is dimmed is there, and no more.
  cell(cell, x, y, w, h, decimals, dimmed = false) {
    const { g, colours } = this;
    const q = cell.value === null ? "bad" : quality(cell.status);
    if (dimmed) return this.frame(x, y, w, h);
    g.fillStyle = q !== "good" ? colours.page : cell.kind ? colours[cell.kind] : this.shades[Math.round((cell.shade ?? 0.5) * (SHADES - 1))];
    g.fillRect(x, y, w, h);
    if (q !== "good") this.hatch(x, y, w, h);
    const mark = q === "uncertain" ? "?" : q === "bad" ? "×" : cell.mark;
    const text = q === "bad" || decimals === null ? "" : figure(cell.value, decimals);
    if (!mark && !text) return;
    g.fillStyle = q !== "good" ? colours.soft : cell.kind ? colours[`on${cell.kind}`] : colours.ink;
    g.textBaseline = "middle";
    g.textAlign = "center";
    const side = mark.length * 6 + 3;
    const fits = text && this.figure(text, cell.kind && q === "good", x + (mark ? side - 1 : 0), y, w - (mark ? side : 0), h);
    if (!mark) return;
    g.font = `700 ${fits ? 10 : Math.min(12, h - 2)}px ${this.font}`;
    g.fillText(mark, fits ? x + 4 + 3 * mark.length : x + w / 2, y + h / 2 + 0.5);
  }
  figure(text, strong, x, y, w, h) {
    const { g } = this;
    g.font = `${strong ? 600 : 400} ${w >= 42 ? 12 : w >= 32 ? 11 : 10}px ${this.font}`;
    if (g.measureText(text).width > w - 1) return false;
    g.fillText(text, x + w / 2, y + h / 2 + 0.5);
    return true;
  }
  frame(x, y, w, h) {
    this.g.strokeStyle = this.colours.line;
    this.g.lineWidth = 0.5;
    this.g.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
  }
  hatch(x, y, w, h) {
    const { g } = this;
    g.save();
    g.beginPath();
    g.rect(x, y, w, h);
    g.clip();
    g.strokeStyle = this.colours.hatch;
    g.lineWidth = 1;
    g.beginPath();
    for (let k = -h; k < w; k += 5) {
      g.moveTo(x + k, y + h);
      g.lineTo(x + k + h, y);
    }
    g.stroke();
    g.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
    g.restore();
  }
  label(text, x, y, align, font = "11px", colour = "soft") {
    const { g } = this;
    g.font = `${font} ${this.font}`;
    g.textAlign = align;
    g.textBaseline = "middle";
    g.fillStyle = this.colours[colour];
    g.fillText(text, x, y);
  }
}

const rgb = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
function mix(a, b, share) {
  const [p, q] = [rgb(a), rgb(b)];
  return `rgb(${p.map((v, i) => Math.round(v + (q[i] - v) * share)).join(",")})`;
}
