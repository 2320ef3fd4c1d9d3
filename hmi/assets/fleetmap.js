// All jars of the fleet on one canvas: a block a site, in it a row a string and a cell a jar. However many there are,
// there is one canvas, and a frame around the cell that is meant.
import { Painter } from "./painter.js";

const TITLE = 24, GUTTER = 20, SIZES = [20, 18, 16, 15, 14, 13, 12, 11, 10, 9, 8]; // px
const MANY = 4000; // jars, from which on cells may be too small for a finger

export class FleetMap {
  // `blocks` are sites: [{ name, strings: [{ name, system, rows: [row, ...] }] }]; rows of all are numbered from 0.
  constructor(canvas, cursor, blocks, { open, visit, meant }) {
    Object.assign(this, { canvas, cursor, blocks, open, visit, meant });
    this.longest = Math.max(1, ...blocks.flatMap((block) => block.strings.map((string) => string.rows.length)));
    this.order = blocks.flatMap((block, b) => block.strings.flatMap((string, s) => string.rows.map((row, j) => ({ row, b, s, j }))));
    this.at = new Map(this.order.map((place, k) => [place.row, k])); // row -> position in reading order
    this.least = this.order.length > MANY ? 8 : 12;
    this.meaning = -1; // position of the cell that is meant
    this.only = () => true;
    canvas.onmousemove = (event) => this.mean(this.under(event));
    canvas.onmouseleave = () => !this.focused && this.mean(-1);
    canvas.onclick = (event) => this.click(event);
    canvas.onfocus = () => { this.focused = true; this.begin(); };
    canvas.onblur = () => { this.focused = false; this.mean(-1); };
    canvas.onkeydown = (event) => this.key(event);
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement.parentElement);
    addEventListener("voltkeep-theme", () => this.draw());
  }
  // `only` says which cells are shown in full; the others are outlines.
  show(cells, only) {
    Object.assign(this, { cells, only });
    this.draw();
    if (this.focused) this.begin();
  }
  // Who comes by keyboard begins at the first cell that is shown in full.
  begin() {
    if (this.cells && this.meaning < 0) this.mean(this.next(-1, 1));
  }
  measure() {
    const frame = this.canvas.parentElement.parentElement, { paddingLeft, paddingRight } = getComputedStyle(frame);
    const width = frame.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
    const fits = (size) => Math.max(1, Math.floor((width + GUTTER) / (this.longest * size + GUTTER)));
    const tall = (size) => Math.ceil(this.blocks.length / fits(size)) * this.height(size);
    const sizes = SIZES.filter((size) => size >= this.least && this.longest * size <= width);
    // One below the other, as on a phone, they may be as tall as they are wide.
    const alone = fits(this.least) === 1 && sizes[0];
    this.size = alone || (sizes.find((size) => tall(size) <= Math.max(560, innerHeight - 260)) ?? sizes.at(-1) ?? Math.max(4, Math.floor(width / this.longest)));
    this.across = Math.min(this.blocks.length, fits(this.size));
    this.corners = this.blocks.map((_, b) => [(b % this.across) * (this.longest * this.size + GUTTER), Math.floor(b / this.across) * this.height(this.size)]);
    return [Math.min(width, this.across * (this.longest * this.size + GUTTER) - GUTTER), tall(this.size)];
  }
  height(size) {
    return TITLE + GUTTER / 2 + Math.max(...this.blocks.map((block) => block.strings.length * size + this.gaps(block, block.strings.length)));
  }
  gaps(block, until) {
    let gaps = 0;
    for (let s = 1; s < until; s++) gaps += block.strings[s].system !== block.strings[s - 1].system ? 3 : 0;
    return gaps;
  }
  top(b, s) {
    return this.corners[b][1] + TITLE + s * this.size + this.gaps(this.blocks[b], s + 1);
  }
  draw() {
    if (!this.cells) return;
    const painter = new Painter(this.canvas, ...this.measure());
    const counts = this.blocks.map(() => 0);
    const gap = this.size > 9 ? 1 : 0.5;
    this.blocks.forEach((block, b) => block.strings.forEach((string, s) => {
      const y = this.top(b, s), left = this.corners[b][0];
      string.rows.forEach((row, j) => {
        const cell = this.cells[row];
        const shown = this.only(cell);
        counts[b] += cell.kind ? 1 : 0;
        painter.cell(cell, left + j * this.size, y, this.size - gap, this.size - gap, null, !shown);
      });
    }));
    this.blocks.forEach(({ name }, b) => {
      painter.label(name, this.corners[b][0], this.corners[b][1] + 12, "left", "500 13px", "ink");
      if (counts[b]) painter.label(`▲ ${counts[b]}`, this.corners[b][0] + this.longest * this.size - 1, this.corners[b][1] + 12, "right", "500 12px", "ink");
    });
    this.frame();
  }
  frame() {
    const place = this.order[this.meaning];
    this.cursor.hidden = !place || !this.corners;
    if (this.cursor.hidden) return;
    const left = this.corners[place.b][0] + place.j * this.size, top = this.top(place.b, place.s);
    Object.assign(this.cursor.style, { left: `${left - 2}px`, top: `${top - 2}px`, width: `${this.size + 3}px`, height: `${this.size + 3}px` });
  }
  mean(k) {
    if (k === this.meaning) return;
    this.meaning = k;
    this.frame();
    this.meant(this.order[k]?.row ?? null);
  }
  block(event) {
    const box = this.canvas.getBoundingClientRect();
    const px = event.clientX - box.left, py = event.clientY - box.top;
    const column = Math.floor(px / (this.longest * this.size + GUTTER)), line = Math.floor(py / this.height(this.size));
    const b = line * this.across + column;
    return column < this.across && this.blocks[b] ? { b, x: px - this.corners[b][0], y: py } : null;
  }
  under(event) {
    const found = this.block(event);
    if (!found) return -1;
    const { b, x, y } = found;
    const s = this.blocks[b].strings.findIndex((_, s) => y >= this.top(b, s) && y < this.top(b, s) + this.size);
    const row = this.blocks[b].strings[s]?.rows[Math.floor(x / this.size)];
    return row === undefined ? -1 : this.at.get(row);
  }
  click(event) {
    const k = this.under(event);
    if (k >= 0) return this.open(this.order[k].row);
    const found = this.block(event);
    if (found && found.y < this.corners[found.b][1] + TITLE) this.visit(this.blocks[found.b].name);
  }
  // The next cell in reading order that is shown in full.
  next(k, step) {
    for (let at = k + step; at >= 0 && at < this.order.length; at += step) if (this.only(this.cells[this.order[at].row])) return at;
    return k;
  }
  key(event) {
    if (event.key === "Enter" && this.meaning >= 0) return this.open(this.order[this.meaning].row);
    const moves = { ArrowRight: () => this.next(this.meaning, 1), ArrowLeft: () => this.next(this.meaning, -1), ArrowDown: () => this.string(1), ArrowUp: () => this.string(-1),
      PageDown: () => this.site(1), PageUp: () => this.site(-1), Home: () => this.next(-1, 1), End: () => this.next(this.order.length, -1) };
    if (!moves[event.key] || this.meaning < 0) return;
    event.preventDefault();
    this.mean(moves[event.key]());
    this.cursor.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  // The same jar of the next string, of the next site after the last one; of strings with a cell shown in full only.
  string(step) {
    const here = this.order[this.meaning];
    const strings = this.blocks.flatMap((block, b) => block.strings.map((string, s) => ({ b, s, string })));
    let at = strings.findIndex(({ b, s }) => b === here.b && s === here.s) + step;
    for (; strings[at]; at += step) {
      const { rows } = strings[at].string;
      const shown = rows.map((row, j) => [row, j]).filter(([row]) => this.only(this.cells[row]));
      if (shown.length) return this.at.get(shown.reduce((best, each) => (Math.abs(each[1] - here.j) < Math.abs(best[1] - here.j) ? each : best))[0]);
    }
    return this.meaning;
  }
  site(step) {
    const here = this.order[this.meaning];
    const of = (k) => this.order[k]?.b;
    for (let b = here.b + step; this.blocks[b]; b += step) {
      const k = this.next(this.order.findIndex((place) => place.b === b) - 1, 1);
      if (of(k) === b) return k;
    }
    return this.meaning;
  }
}
