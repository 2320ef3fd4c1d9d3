// The jars of a site on one canvas: a row a string, a cell a jar; on a phone a column a string.
// Normal is grey, abnormal has a colour and a letter, what is not good is hatched.
import { css, figure, quality } from "./base.js";

export class Heatmap {
  constructor(canvas, strings, open, describe) {
    this.canvas = canvas;
    this.strings = strings; // [{ name, group, rows: [row, ...] }, ...]
    this.open = open;
    this.describe = describe;
    this.longest = Math.max(1, ...strings.map((s) => s.rows.length));
    this.at = [0, 0];
    this.focused = false;
    canvas.onmousemove = (event) => this.point(event);
    canvas.onmouseleave = () => this.hover(null);
    canvas.onclick = (event) => { this.point(event); if (this.over) this.open(this.row(this.over)); };
    canvas.onfocus = () => { this.focused = true; this.hover(this.at); };
    canvas.onblur = () => { this.focused = false; this.hover(null); };
    canvas.onkeydown = (event) => this.key(event);
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
    addEventListener("voltkeep-theme", () => this.draw());
  }
  show(cells, decimals) {
    this.cells = cells; // by row: { value, status, shade 0..1 or null, kind, mark }
    this.decimals = decimals;
    this.draw();
  }
  row([s, j]) {
    return this.strings[s].rows[j];
  }
  measure() {
    const width = this.canvas.parentElement.clientWidth;
    this.upright = width < 640;
    this.left = this.upright ? 30 : 74;
    this.top = this.upright ? 34 : 20;
    const across = this.upright ? this.strings.length : this.longest;
    const down = this.upright ? this.longest : this.strings.length;
    this.w = Math.max(this.upright ? 30 : 24, Math.floor((width - this.left) / across));
    this.h = this.upright ? 22 : Math.max(26, Math.min(38, Math.round(this.w * 0.8)));
    this.gap = this.upright ? 0 : 6; // between systems
    const groups = new Set(this.strings.map((s) => s.group)).size - 1;
    return [this.left + across * this.w, this.top + down * this.h + groups * this.gap];
  }
  place([s, j]) {
    if (this.upright) return [this.left + s * this.w, this.top + j * this.h];
    let groups = 0;
    for (let k = 1; k <= s; k++) groups += this.strings[k].group !== this.strings[k - 1].group;
    return [this.left + j * this.w, this.top + s * this.h + groups * this.gap];
  }
  draw() {
    if (!this.cells) return;
    const [width, height] = this.measure();
    const ratio = window.devicePixelRatio || 1;
    Object.assign(this.canvas, { width: width * ratio, height: height * ratio });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    const g = (this.g = this.canvas.getContext("2d"));
    g.scale(ratio, ratio);
    this.colours = Object.fromEntries(
      ["ink", "soft", "line", "page", "high", "medium", "cold", "warm", "onhigh", "onmedium", "accent", "hatch"].map((n) => [n, css(`--${n}`)]));
    this.font = getComputedStyle(this.canvas).fontFamily;
    this.labels();
    this.strings.forEach((string, s) => string.rows.forEach((_, j) => this.cell([s, j])));
    if (this.over) this.outline(this.over);
  }
  labels() {
    const { g } = this;
    g.textBaseline = "middle";
    g.fillStyle = this.colours.soft;
    const across = this.upright ? this.longest : this.longest;
    this.strings.forEach((string, s) => {
      const [x, y] = this.place([s, 0]);
      g.font = `500 12px ${this.font}`;
      g.textAlign = this.upright ? "center" : "right";
      if (this.upright) {
        g.fillText(string.name, x + this.w / 2, this.top - 9);
        if (s === 0 || this.strings[s - 1].group !== string.group) {
          g.textAlign = "left";
          g.fillText(string.group, x + 2, 9);
        }
      } else {
        g.fillText(string.name, this.left - 8, y + this.h / 2);
        if (s === 0 || this.strings[s - 1].group !== string.group) {
          g.textAlign = "left";
          g.fillText(string.group, 0, y + this.h / 2);
        }
      }
    });
    g.font = `11px ${this.font}`;
    for (let j = 0; j < across; j++) {
      const [x, y] = this.place([0, j]);
      g.textAlign = this.upright ? "right" : "center";
      if (this.upright) g.fillText(`J${String(j + 1).padStart(2, "0")}`, this.left - 5, y + this.h / 2);
      else g.fillText(this.w < 30 ? String(j + 1) : `J${String(j + 1).padStart(2, "0")}`, x + this.w / 2, this.top - 10);
    }
  }
  cell(at) {
    const { g, colours } = this;
    const [x, y] = this.place(at);
    const cell = this.cells[this.row(at)];
    const w = this.w - 1, h = this.h - 1;
    const q = quality(cell.status);
    const colour = q !== "good" || cell.value === null ? colours.page : cell.kind ? colours[cell.kind] : mix(colours.cold, colours.warm, cell.shade ?? 0.5);
    g.fillStyle = colour;
    g.fillRect(x, y, w, h);
    if (q !== "good" || cell.value === null) this.hatch(x, y, w, h);
    const mark = q === "uncertain" ? "?" : q === "bad" ? "×" : cell.mark;
    const size = this.w >= 44 ? 12 : this.w >= 34 ? 11 : 10;
    g.fillStyle = q !== "good" ? colours.soft : cell.kind ? colours[`on${cell.kind}`] : colours.ink;
    g.textBaseline = "middle";
    const text = q === "bad" || cell.value === null ? "" : figure(cell.value, this.decimals);
    g.font = `${cell.kind && q === "good" ? 600 : 400} ${size}px ${this.font}`;
    const side = mark.length * 6 + 3;
    const room = w - (mark ? side : 2);
    const fits = text && g.measureText(text).width <= room;
    g.textAlign = "center";
    if (fits) g.fillText(text, x + w / 2 + (mark ? side / 2 - 0.5 : 0), y + h / 2 + 0.5);
    if (mark) {
      g.font = `700 ${fits ? 10 : 12}px ${this.font}`;
      g.fillText(mark, fits ? x + 4 + 3 * mark.length : x + w / 2, y + h / 2 + 0.5);
    }
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
  outline(at) {
    const [x, y] = this.place(at);
    this.g.strokeStyle = this.focused ? this.colours.accent : this.colours.ink;
    this.g.lineWidth = 2;
    this.g.strokeRect(x, y, this.w - 1, this.h - 1);
  }
  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const px = event.clientX - box.left, py = event.clientY - box.top;
    for (let s = 0; s < this.strings.length; s++)
      for (let j = 0; j < this.strings[s].rows.length; j++) {
        const [x, y] = this.place([s, j]);
        if (px >= x && px < x + this.w && py >= y && py < y + this.h) return this.hover([s, j]);
      }
    this.hover(null);
  }
  hover(at) {
    const same = at && this.over && at[0] === this.over[0] && at[1] === this.over[1];
    if (same || (!at && !this.over)) return;
    this.over = at;
    if (at) this.at = at;
    this.draw();
    this.describe(at ? this.row(at) : null);
  }
  key(event) {
    const across = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (event.key === "Enter") return this.open(this.row(this.at));
    if (!across) return;
    event.preventDefault();
    const [ds, dj] = this.upright ? [across[1], across[0]] : across;
    const s = Math.min(this.strings.length - 1, Math.max(0, this.at[0] + ds));
    const j = Math.min(this.strings[s].rows.length - 1, Math.max(0, this.at[1] + dj));
    this.hover([s, j]);
  }
}

const parsed = new Map();
function rgb(colour) {
  if (!parsed.has(colour)) parsed.set(colour, [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)));
  return parsed.get(colour);
}
function mix(a, b, share) {
  const [p, q] = [rgb(a), rgb(b)];
  return `rgb(${p.map((v, i) => Math.round(v + (q[i] - v) * share)).join(",")})`;
}
