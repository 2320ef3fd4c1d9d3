// The jars of a site on one canvas: a row a string, a cell a jar; on a phone a column a string.
import { Painter } from "./painter.js";

export class JarMap {
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
    this.painter = new Painter(this.canvas, width, height);
    this.labels();
    this.strings.forEach((string, s) => string.rows.forEach((row, j) => {
      const [x, y] = this.place([s, j]);
      this.painter.cell(this.cells[row], x, y, this.w - 1, this.h - 1, this.decimals);
    }));
    if (this.over) this.outline(this.over);
  }
  labels() {
    this.strings.forEach((string, s) => {
      const [x, y] = this.place([s, 0]);
      const first = s === 0 || this.strings[s - 1].group !== string.group;
      if (this.upright) {
        this.painter.label(string.name, x + this.w / 2, this.top - 9, "center", "500 12px");
        if (first) this.painter.label(string.group, x + 2, 9, "left", "500 12px");
      } else {
        this.painter.label(string.name, this.left - 8, y + this.h / 2, "right", "500 12px");
        if (first) this.painter.label(string.group, 0, y + this.h / 2, "left", "500 12px");
      }
    });
    for (let j = 0; j < this.longest; j++) {
      const [x, y] = this.place([0, j]);
      const name = `J${String(j + 1).padStart(2, "0")}`;
      if (this.upright) this.painter.label(name, this.left - 5, y + this.h / 2, "right");
      else this.painter.label(this.w < 30 ? String(j + 1) : name, x + this.w / 2, this.top - 10, "center");
    }
  }
  outline(at) {
    const [x, y] = this.place(at);
    const { g, colours } = this.painter;
    g.strokeStyle = this.focused ? colours.accent : colours.ink;
    g.lineWidth = 2;
    g.strokeRect(x, y, this.w - 1, this.h - 1);
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
