/**
 * What the list of messages shows, made from the conversation's rows: a row each, or one fold for a run of messages that were written offline at one
 * place. A fold that is open shows its rows after itself. What is safety, or must be confirmed, is never folded away.
 */
const FOLD_FROM = 3;

/** Of what run a row would be part, or null: rows with the same answer, one after the other, are folded. */
export function runOf(row, me) {
  if (row.kind !== "message" || !row.flags?.offline || row.user === me || row.mustConfirm || row.priority === 0 || row.seq === null) {
    return null;
  }
  return row.branch?.relay ?? "";
}

export class Items {
  /** @param {(from: number, to: number) => any[]} rows @param {string} me */
  constructor(rows, me) {
    this.rows = rows;
    this.me = me;
    this.open = new Set();
    this.clear();
  }

  clear() {
    this.all = [];
    this.indexes = new Map();
  }

  get length() {
    return this.all.length;
  }

  index(key) {
    return this.indexes.get(key);
  }

  /** The item that shows row r, a closed fold included. */
  ofRow(r) {
    let low = 0;
    let high = this.all.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (this.all[mid].from <= r) {
        low = mid;
      } else {
        high = mid - 1;
      }
    }
    return this.all.length ? low : -1;
  }

  push(item) {
    this.indexes.set(item.key, this.all.length);
    this.all.push(item);
  }

  /** Forgets the items from row r on, and those before it that could join it in a fold; returns the row to go on from. */
  cut(r) {
    while (this.all.length) {
      const last = this.all[this.all.length - 1];
      if (last.to <= r && !last.run && !last.foldable) {
        return last.to;
      }
      this.indexes.delete(last.key);
      this.all.pop();
    }
    return 0;
  }

  /** Rows from `from` on are new or others than before; there are `count` of them. */
  build(count, from = 0) {
    let r = from > 0 ? this.cut(Math.min(from, count)) : (this.clear(), 0);
    const rows = this.rows(r, count);
    const base = r;
    while (r < count) {
      const run = runOf(rows[r - base], this.me);
      let end = r + 1;
      while (run !== null && end < count && runOf(rows[end - base], this.me) === run) {
        end++;
      }
      if (run !== null && end - r >= FOLD_FROM) {
        this.fold(r, end, rows.slice(r - base, end - base));
      } else {
        for (; r < end; r++) {
          this.push({key: rows[r - base].key, kind: "row", from: r, to: r + 1, foldable: run !== null});
        }
      }
      r = end;
    }
  }

  fold(from, to, rows) {
    const key = `fold:${rows[0].key}`;
    const open = this.open.has(key);
    this.push({key, kind: "fold", from, to: open ? from : to, last: to, run: true, open, foldable: true});
    for (let i = 0; open && i < rows.length; i++) {
      this.push({key: rows[i].key, kind: "row", from: from + i, to: from + i + 1, run: true, foldable: true});
    }
  }
}
