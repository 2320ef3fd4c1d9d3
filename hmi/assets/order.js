// The order of a list while somebody works on it: what was shown keeps its place until it is let go.
export class Order {
  constructor() {
    this.rank = null; // key -> place
    this.fresh = 0; // rows that came since
  }
  get held() {
    return this.rank !== null;
  }
  // `keys` in the order in which they are shown; null lets go.
  hold(keys) {
    this.rank = keys && new Map(keys.map((key, k) => [key, k]));
    this.fresh = 0;
  }
  holds(key) {
    return this.rank?.has(key) ?? false;
  }
  added(count) {
    if (this.held) this.fresh += count;
  }
  // Sorts nodes in place: as held, what is new below; else as `compare` wants, where there is one.
  sort(nodes, compare) {
    if (compare) nodes.sort((a, b) => compare(a.data, b.data));
    if (!this.held) return;
    const place = new Map(nodes.map((node, k) => [node, this.rank.get(node.data.key) ?? this.rank.size + k]));
    nodes.sort((a, b) => place.get(a) - place.get(b));
  }
}
