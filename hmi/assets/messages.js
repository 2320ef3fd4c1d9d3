// Messages of the server in the reader's language. The server puts them together in English, out of the words of
// its configuration and a few of its own, with figures in between; the live stream is the same for all browsers.
// So they are taken apart here: what the catalogue has as it stands, or as a pattern ("acknowledged by {user}"),
// is translated, and what is between ": ", "; " and ", " each by itself. The rest stays as it is.
const SEPARATORS = [": ", "; ", ", "];
const PLACE = /\{(\w+)\}/g;
const ANYTHING = "((?:(?![:;,] ).)+?)"; // up to a separator
const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function pattern(english, words) {
  const names = [...english.matchAll(PLACE)].map((match) => match[1]);
  const parts = english.split(PLACE).filter((part, k) => k % 2 === 0);
  return { match: new RegExp(`^${parts.map(literal).join(ANYTHING)}$`, "s"), names, words, weight: parts.join("").length };
}

export class Wording {
  // `words` by their English.
  constructor(words) {
    this.words = words;
    const patterns = Object.entries(words).filter(([english]) => english.search(PLACE) >= 0);
    // The more a pattern says, the sooner it is asked.
    this.patterns = patterns.map(([english, thai]) => pattern(english, thai)).sort((a, b) => b.weight - a.weight);
    this.empty = !Object.keys(words).length;
  }
  told(text) {
    if (this.empty || !text) return text;
    return this.words[text] ?? this.byPattern(text) ?? this.byParts(text);
  }
  byPattern(text) {
    for (const { match, names, words } of this.patterns) {
      const found = match.exec(text);
      if (found) return words.replace(PLACE, (_, name) => this.told(found[names.indexOf(name) + 1]));
    }
  }
  byParts(text) {
    for (const separator of SEPARATORS) {
      const at = text.indexOf(separator);
      if (at > 0) return this.told(text.slice(0, at)) + separator + this.told(text.slice(at + separator.length));
    }
    return text;
  }
}
