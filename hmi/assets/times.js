// Times as people read and write them: in a time zone, in the common or the Buddhist calendar.
// A time is a number of milliseconds since 1970 (UTC). Nothing here looks at the browser's own zone.
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const BUDDHIST_ERA = 543; // years ahead of the common era, since Thailand's year begins in January (1941)

const two = (n) => String(n).padStart(2, "0");
const KEPT = 5000; // quarters of an hour whose offset is kept

class Zone {
  constructor(name) {
    const clock = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
    const options = { ...clock, calendar: "gregory", numberingSystem: "latn", hourCycle: "h23" };
    try {
      this.format = new Intl.DateTimeFormat("en", { ...options, timeZone: name });
      this.name = name;
    } catch {
      // A zone that this browser does not know: what is shown says that it is UTC.
      this.format = new Intl.DateTimeFormat("en", { ...options, timeZone: "UTC" });
      this.name = "UTC";
    }
    this.known = new Map();
  }
  // Milliseconds ahead of UTC. Clocks are put forward and back at whole quarters of an hour.
  offset(ms) {
    const quarter = Math.floor(ms / (15 * MINUTE));
    let found = this.known.get(quarter);
    if (found === undefined) {
      if (this.known.size > KEPT) this.known.clear();
      this.known.set(quarter, (found = this.asked(quarter * 15 * MINUTE)));
    }
    return found;
  }
  asked(ms) {
    const part = Object.fromEntries(this.format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - Math.floor(ms / 1000) * 1000;
  }
}

// Steps of an axis' ticks, and of its months.
const STEPS = [1, 2, 5, 10, 15, 30].map((n) => n * 1000).concat([1, 2, 5, 10, 15, 30].map((n) => n * MINUTE), [1, 2, 3, 6, 12].map((n) => n * HOUR), [1, 2, 7].map((n) => n * DAY));
const MONTHS = [1, 2, 3, 6, 12, 24, 60];
const MONTH = 30.4 * DAY;

export class Times {
  constructor(zone, calendar = "common", language = "en") {
    this.zone = new Zone(zone);
    this.era = calendar === "buddhist" ? BUDDHIST_ERA : 0;
    this.months = new Intl.DateTimeFormat(language, { month: "short", timeZone: "UTC" });
  }
  // A date whose UTC fields are those of the zone's clock.
  wall(ms) {
    return new Date(ms + this.zone.offset(ms));
  }
  clock(ms) {
    const d = this.wall(ms);
    return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
  }
  year(d) {
    return d.getUTCFullYear() + this.era;
  }
  day(ms) {
    const d = this.wall(ms);
    return `${this.year(d)}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
  }
  // Year and month, such as 2026-11; a quarter, such as 2026-Q4.
  month(ms) {
    return this.day(ms).slice(0, 7);
  }
  quarter(ms) {
    const d = this.wall(ms);
    return `${this.year(d)}-Q${Math.floor(d.getUTCMonth() / 3) + 1}`;
  }
  // A year, month or quarter of the common calendar, as 2026, 2026-11 or 2026-Q4, in the reader's.
  period(text) {
    return text.replace(/^\d{4}(?=(-\d\d|-Q[1-4])?$)/, (year) => Number(year) + this.era);
  }
  stamp(ms) {
    return `${this.day(ms)} ${this.clock(ms)}`;
  }
  // How far the zone is from UTC at that time, such as UTC+7 or UTC−3:30.
  offset(ms) {
    const minutes = Math.round(this.zone.offset(ms) / MINUTE);
    if (!minutes) return "UTC";
    const [h, m] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
    return `UTC${minutes < 0 ? "\u2212" : "+"}${h}${m ? `:${two(m)}` : ""}`;
  }

  // Values of inputs, which know the common calendar only: datetime-local, date and month.
  toInput(ms) {
    return this.wall(ms).toISOString().slice(0, 16);
  }
  toDate(ms) {
    return this.toInput(ms).slice(0, 10);
  }
  toMonth(ms) {
    return this.toInput(ms).slice(0, 7);
  }
  // The time of a local date and time (or date, or month) as an input gives it; NaN where it is none.
  // Of two such times when clocks are put back the first; where they are put forward, as late as it would be.
  fromInput(text) {
    const match = /^(\d{4,6})-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?)?/.exec(text ?? "");
    if (!match) return NaN;
    const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
    return this.at(Date.UTC(year, month - 1, day || 1, hour, minute, second));
  }
  // The time at which the zone's clock shows `wall` (its fields as if they were UTC).
  at(wall) {
    const [before, after] = [this.zone.offset(wall - DAY), this.zone.offset(wall + DAY)];
    for (const offset of [before, after]) if (this.zone.offset(wall - offset) === offset) return wall - offset;
    return wall - before;
  }

  // Where an axis from `start` to `end` has its ticks: at most about `count`, at what the clock calls even.
  ticks(start, end, count = 8) {
    const wish = (end - start) / count;
    if (!(wish > 0)) return [];
    const step = STEPS.find((each) => each >= wish);
    if (step) return this.even(start, end, step);
    const months = MONTHS.find((each) => each * MONTH >= wish) ?? Math.ceil(wish / (12 * MONTH)) * 12;
    const first = this.wall(start);
    const ticks = [];
    const from = Math.floor((first.getUTCFullYear() * 12 + first.getUTCMonth()) / months) * months;
    for (let at = from; ticks.length <= 4 * count; at += months) {
      const tick = this.at(Date.UTC(Math.floor(at / 12), at % 12, 1));
      if (tick > end) break;
      if (tick >= start) ticks.push(tick);
    }
    return ticks;
  }
  even(start, end, step) {
    const ticks = [];
    const last = end + this.zone.offset(end);
    for (let wall = Math.ceil((start + this.zone.offset(start)) / step) * step; wall <= last; wall += step) {
      const tick = this.at(wall);
      if (tick >= start && tick <= end && tick > (ticks.at(-1) ?? -Infinity)) ticks.push(tick);
    }
    return ticks;
  }
  // What stands at a tick: at midnight the day, at New Year the year.
  label(ms) {
    const d = this.wall(ms);
    if (ms % MINUTE) return this.clock(ms);
    if (d.getUTCHours() || d.getUTCMinutes()) return this.clock(ms).slice(0, 5);
    if (d.getUTCDate() > 1) return `${d.getUTCDate()} ${this.months.format(d)}`;
    return d.getUTCMonth() ? this.months.format(d) : String(this.year(d));
  }
  // For a chart's time axis (ECharts); `width` in pixels says how many ticks find room.
  axis(start, end, width = 600) {
    const customValues = this.ticks(start, end, Math.max(2, Math.floor(width / 80)));
    return { min: start, max: end, axisTick: { customValues }, axisLabel: { customValues, formatter: (ms) => this.label(ms) } };
  }
}
