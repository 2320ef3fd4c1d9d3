// What the server says in its own words, in the page's language: the catalogue has {names} and {figures} of it as places.
import { t } from "./base.js";

const words = window.voltkeep.text;
const places = /\{(\w+)\}/g;
const patterns = Object.keys(words).filter((key) => /\{\w+\}/.test(key)).map((key) => [key,
  new RegExp(`^${key.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(places, "(?<$1>.+)")}$`)]);

// A sentence, or several; of one that begins with a condition (Bangrak/UPS-1/S03/J07#TemperatureHigh: ...) the rest.
export function spoken(text) {
  if (words[text]) return t(text);
  const about = /^([^\s].*?#\w+: )(.+)$/.exec(text);
  if (about) return about[1] + spoken(about[2]);
  for (const [key, pattern] of patterns) {
    const found = pattern.exec(text);
    if (found) return t(key).replace(places, (_, name) => found.groups[name]);
  }
  return text;
}
