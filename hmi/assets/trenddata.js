// The past of one tag as it was read: a wide reading that stays, a finer one of the part that is looked at, and
// what came in since. All three together are one line.

const GAP = 5; // usual steps without a value that break the line
const SHORTEST_GAP = 30_000; // ms
const BAND_LATER = 100 * 86_400_000; // ms: of a longer span the least and greatest values take longer to find

export class Past {
  constructor(tag) {
    this.tag = tag;
    this.wide = null;
    this.fine = null;
    this.clear();
  }
  get about() {
    return this.fine ?? this.wide ?? { label: "", unit: "", states: [] };
  }
  clear() {
    this.tail = { t: [], v: [], stretches: [] };
  }
  take(answer) {
    const length = answer.to - answer.from;
    if (!this.wide || length >= (this.wide.to - this.wide.from) * 0.9 || answer.from > this.wide.to || answer.to < this.wide.from) [this.wide, this.fine] = [answer, null];
    else this.fine = answer;
    const end = Math.max(this.wide.to, this.fine?.to ?? 0);
    if (answer.to >= end) this.forget(answer.to);
  }
  // Whether what is there is as fine as a picture of this span can show; new values come by themselves.
  holds(from, to, newest) {
    const until = Math.min(to, this.tail.t.length ? newest : Infinity);
    return [this.fine, this.wide].some((each) => each && each.from <= from && Math.max(each.to, this.last()) >= until - Math.max(each.step, 15_000) && (each.step === 0 || each.to - each.from <= 3.2 * (to - from)));
  }
  // How long a value at a time is the mean of; 0 where it is one that was stored.
  stepAt(time) {
    if (time > Math.max(this.wide?.to ?? 0, this.fine?.to ?? 0)) return 0;
    return (this.fine && time >= this.fine.from && time < this.fine.to ? this.fine : this.wide)?.step ?? 0;
  }
  last() {
    return this.tail.t.at(-1) ?? Math.max(this.wide?.to ?? 0, this.fine?.to ?? 0);
  }
  // A value that was told just now, and how it is marked, goes on where the history ended.
  push(time, value, mark) {
    const last = this.tail.t.at(-1) ?? Math.max(this.wide?.t.at(-1) ?? 0, this.fine?.t.at(-1) ?? 0);
    if (!this.wide || time <= last) return false;
    const { t, v, stretches } = this.tail;
    if (last && time - last > Math.max(SHORTEST_GAP, GAP * this.about.step)) {
      t.push(last + 1);
      v.push(null);
    }
    t.push(time);
    v.push(value);
    const open = stretches.at(-1);
    if (open && open[0] === mark && open[2] === last) open[2] = time;
    else if (mark !== "good") stretches.push([mark, time, time]);
    return true;
  }
  // A reading has come up to this time.
  forget(until) {
    const { t, v, stretches } = this.tail;
    const at = t.findIndex((time) => time > until);
    const from = at < 0 ? t.length : at;
    this.tail = { t: t.slice(from), v: v.slice(from), stretches: stretches.filter(([, , end]) => end > until) };
  }
  // Values in order of time, the finer reading in the place of the wide one.
  line() {
    const parts = [];
    if (this.wide && this.fine) parts.push(part(this.wide, -Infinity, this.fine.from), part(this.fine, -Infinity, Infinity), part(this.wide, this.fine.to, Infinity));
    else if (this.wide) parts.push(this.wide);
    parts.push({ ...this.tail, low: [], high: [] });
    const all = { t: [], v: [], low: [], high: [], stretches: [] };
    for (const each of parts) {
      const banded = each.low.length > 0;
      all.t.push(...each.t);
      all.v.push(...each.v);
      all.low.push(...(banded ? each.low : each.v));
      all.high.push(...(banded ? each.high : each.v));
      all.stretches.push(...each.stretches);
    }
    return all;
  }
}

function part(answer, from, to) {
  const which = (values) => values.filter((_, k) => answer.t[k] >= from && answer.t[k] < to);
  const stretches = answer.stretches.filter(([, start, end]) => end >= from && start < to).map(([mark, start, end]) => [mark, Math.max(start, from), Math.min(end, to)]);
  return { t: which(answer.t), v: which(answer.v), low: which(answer.low), high: which(answer.high), stretches };
}

// Place of the value at a time: the nearest of a line, the last one before of states.
export function nearest(times, time, stepped = false) {
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time) low = middle;
    else high = middle - 1;
  }
  if (stepped || low + 1 >= times.length) return low;
  return times[low + 1] - time < time - times[low] ? low + 1 : low;
}

// What tags ask the server for, one window for all of them; a newer question takes the place of an older one.
export class Reader {
  constructor(done) {
    this.done = done;
    this.running = null;
  }
  async read(pasts, from, to) {
    this.running?.abort();
    const mine = (this.running = new AbortController());
    const told = await Promise.allSettled(pasts.map((past) => this.one(past, from, to, mine.signal)));
    if (mine.signal.aborted) return;
    this.running = null;
    this.done(told.find((each) => each.status === "rejected")?.reason.message ?? "");
  }
  // A long line stands at once, its band follows.
  async one(past, from, to, signal) {
    let whole = false;
    const line = (answer) => {
      if (whole || signal.aborted) return;
      past.take(answer);
      this.done("");
    };
    if (to - from > BAND_LATER) series(past.tag, from, to, signal, false).then(line, () => {});
    const answer = await series(past.tag, from, to, signal);
    whole = true;
    if (!signal.aborted) past.take(answer);
  }
}

export async function series(tag, from, to, signal, band = true) {
  const query = `tag=${encodeURIComponent(tag)}&from=${Math.floor(from)}&to=${Math.ceil(to)}${band ? "" : "&band=false"}`;
  const answer = await fetch(`/api/series?${query}`, { signal });
  const body = await answer.json();
  if (!answer.ok || body.fault) throw new Error(body.fault ?? answer.statusText);
  return body;
}
