// Where the sites are, and which of them are abnormal. Sites that stand close together get an inset of their own.
// Beside every mark stands the site's name; the cards beside the map tell the same in words.
import { setText, siteLink, t } from "./base.js";

const OUTLINE = new URL("thailand.json", import.meta.url);
const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 460, MARGIN = 14, CLOSE = 0.4; // px, px, degrees
const SHAPES = { "": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", medium: "M0,-7L7,6H-7Z", high: "M-6,-6H6V6H-6Z", unknown: "M0,-7L7,0L0,7L-7,0Z" };
const WORDS = { "": "normal", medium: "abnormal", high: "critical", unknown: "unknown" };

function draw(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const boxOf = (points) => {
  const [x, y] = [points.map((p) => p[0]), points.map((p) => p[1])];
  return { west: Math.min(...x), east: Math.max(...x), south: Math.min(...y), north: Math.max(...y) };
};
const within = (box, [x, y]) => x >= box.west && x <= box.east && y >= box.south && y <= box.north;
const wider = (box, by) => ({ west: box.west - by, east: box.east + by, south: box.south - by, north: box.north + by });

// A part of the earth on a rectangle: degrees of longitude shrink with the cosine of the latitude.
function projection(box, left, top, height) {
  const shrink = Math.cos((((box.south + box.north) / 2) * Math.PI) / 180);
  const scale = height / (box.north - box.south);
  const width = (box.east - box.west) * shrink * scale;
  return { box, left, top, width, height, at: ([x, y]) => [left + (x - box.west) * shrink * scale, top + (box.north - y) * scale] };
}

// Sites that are nearer to each other than a name is wide: the largest such group.
function crowd(places) {
  const near = (a, b) => Math.hypot(a.longitude - b.longitude, a.latitude - b.latitude) < CLOSE;
  const groups = places.map((a) => places.filter((b) => near(a, b)));
  return groups.sort((a, b) => b.length - a.length)[0].filter((_, __, group) => group.length > 1);
}

export class SiteMap {
  constructor(place) {
    this.place = place;
    this.marks = new Map();
    this.kinds = new Map();
  }

  async load() {
    const [places, outline] = await Promise.all([fetch("/api/places").then((r) => r.json()), fetch(OUTLINE).then((r) => r.json())]);
    if (!Array.isArray(places) || !places.length) return;
    const points = places.map((p) => [p.longitude, p.latitude]);
    const country = boxOf(outline.rings.flat());
    const home = points.every((p) => within(country, p));
    this.rings = home ? outline.rings : [];
    this.show(places, wider(home ? country : boxOf(points), home ? 0.15 : 1));
    this.kinds.forEach((kind, site) => this.set(site, kind));
  }

  show(places, box) {
    const main = projection(box, MARGIN, MARGIN, HEIGHT - 2 * MARGIN);
    const near = crowd(places);
    const inset = near.length ? this.inset(near, main) : null;
    const width = Math.max(main.width, inset ? inset.left + inset.width : 0) + 2 * MARGIN;
    const svg = draw("svg", { viewBox: `0 0 ${width.toFixed(0)} ${HEIGHT}`, role: "group", "aria-label": t("Map") });
    svg.append(this.land(main, "vk-main-land"), ...(inset ? this.frames(main, inset, near) : []));
    for (const place of places) svg.append(this.mark(place, inset && near.includes(place) ? inset : main, width));
    this.place.replaceChildren(svg);
  }

  // In the lower right corner, which the gulf leaves free.
  inset(near, main) {
    const close = wider(boxOf(near.map((p) => [p.longitude, p.latitude])), 0.25);
    const box = { ...close, east: close.east + 0.25 }; // room for the names
    const height = HEIGHT * 0.36;
    return projection(box, main.left + main.width * 0.66, HEIGHT - MARGIN - height, height);
  }

  frames(main, inset, near) {
    const [x1, y1] = main.at([inset.box.west, inset.box.north]), [x2, y2] = main.at([inset.box.east, inset.box.south]);
    const frame = (x, y, w, h, kind) => draw("rect", { x, y, width: w, height: h, class: kind });
    const regions = [...new Set(near.map((p) => p.region))];
    const name = draw("text", { x: inset.left + 6, y: inset.top + 15, class: "vk-map-title" });
    name.textContent = regions.length === 1 ? t(regions[0]) : "";
    return [frame(inset.left, inset.top, inset.width, inset.height, "vk-map-inset"), this.land(inset, "vk-inset-land"), name,
      frame(x1, y1, x2 - x1, y2 - y1, "vk-map-here"), draw("path", { d: `M${x2},${y2}L${inset.left},${inset.top}`, class: "vk-map-lead" })];
  }

  land(view, id) {
    const path = this.rings.map((ring) => "M" + ring.map((p) => view.at(p).map((n) => n.toFixed(1)).join(",")).join("L") + "Z").join("");
    const clip = draw("clipPath", { id }, draw("rect", { x: view.left, y: view.top, width: view.width, height: view.height }));
    return draw("g", {}, clip, draw("path", { d: path, class: "vk-map-land", "clip-path": `url(#${id})` }));
  }

  mark({ site, longitude, latitude }, view, width) {
    const [x, y] = view.at([longitude, latitude]);
    const left = x + 12 + site.length * 7 > width;
    const shape = draw("path", { d: SHAPES[""] });
    const name = draw("text", left ? { x: -11, "text-anchor": "end" } : { x: 11 });
    name.setAttribute("y", 4);
    name.textContent = site;
    const said = draw("title", {});
    const link = draw("a", { href: siteLink(site), transform: `translate(${x.toFixed(1)},${y.toFixed(1)})`, class: "vk-map-site" }, said, shape, name);
    this.marks.set(site, { link, shape, said });
    return link;
  }

  // `kind` is that of the site's card: nothing, medium, high or unknown.
  set(site, kind) {
    this.kinds.set(site, kind);
    const mark = this.marks.get(site);
    if (!mark) return;
    mark.link.setAttribute("class", `vk-map-site ${kind}`);
    mark.link.setAttribute("aria-label", `${site}: ${t(WORDS[kind])}`);
    mark.shape.setAttribute("d", SHAPES[kind]);
    setText(mark.said, `${site}: ${t(WORDS[kind])}`);
  }
}
