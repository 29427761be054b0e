/**
 * A list of any length of which only what is near the screen exists. Heights are not known before an item is drawn: until then an item counts
 * with the average of those measured. What is on screen never jumps: whatever changes above it, the scroll position is corrected in the same frame.
 */
import {h} from "./dom.js";

const OVERSCAN_PX = 500;
const FIRST_GUESS_PX = 72;

/** What would look the same stays: a click that has begun, a selection and the focus survive. Its place in the list is only told, not seen. */
function looksSame(old, el) {
  for (const name of ["aria-posinset", "aria-setsize"]) {
    old.setAttribute(name, el.getAttribute(name));
  }
  return old.isEqualNode(el);
}

export class VirtualList {
  /**
   * @param {HTMLElement} scroller
   * @param {{count: () => number, key: (i: number) => string, index: (key: string) => number | undefined, draw: (i: number) => HTMLElement,
   *   shown?: (first: number, last: number) => void}} source
   */
  constructor(scroller, source) {
    this.scroller = scroller;
    this.source = source;
    this.heights = new Map();
    this.measuredSum = 0;
    this.tops = new Float64Array(1);
    this.count = 0;
    this.drawn = new Map();
    this.stuck = true;
    this.leadPx = 0;
    this.above = h("div", {class: "spacer", "aria-hidden": "true"});
    this.below = h("div", {class: "spacer", "aria-hidden": "true"});
    scroller.append(this.above, this.below);
    this.frame = 0;
    scroller.addEventListener("scroll", () => this.scrolled(), {passive: true});
    this.resizes = new ResizeObserver(() => this.render());
    this.resizes.observe(scroller);
  }

  destroy() {
    this.resizes.disconnect();
    cancelAnimationFrame(this.frame);
  }

  scrolled() {
    const s = this.scroller;
    if (s.scrollTop === this.setTop) {
      return; /* our own correction */
    }
    this.setTop = -1;
    this.stuck = s.scrollHeight - s.scrollTop - s.clientHeight < 24;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.render();
    });
  }

  /** What stands above the items in the scroller. */
  lead() {
    return this.above.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top + this.scroller.scrollTop;
  }

  guess() {
    return this.heights.size ? this.measuredSum / this.heights.size : FIRST_GUESS_PX;
  }

  layout() {
    const n = this.source.count();
    if (this.tops.length < n + 1) {
      this.tops = new Float64Array(Math.max(n + 1, this.tops.length * 2));
    }
    const guess = this.guess();
    for (let i = 0, top = 0; i < n; i++) {
      top += this.heights.get(this.source.key(i)) ?? guess;
      this.tops[i + 1] = top;
    }
    this.count = n;
  }

  /** The item at this distance from the top. */
  at(px) {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (this.tops[mid] <= px) {
        low = mid;
      } else {
        high = mid - 1;
      }
    }
    return low;
  }

  /** The first item on screen, and how far it stands from the top: what is kept in place. */
  anchor() {
    const edge = this.scroller.getBoundingClientRect().top;
    for (const [key, {el}] of this.drawn) {
      const box = el.getBoundingClientRect();
      if (box.bottom > edge) {
        return {key, offset: box.top - edge};
      }
    }
    return null;
  }

  /** The items changed: all are asked for anew, those in `stale` (a test of the key) are drawn anew. */
  update(stale = () => true) {
    const anchor = this.stuck ? null : this.anchor();
    this.layout();
    for (const [key, one] of this.drawn) {
      one.stale ||= stale(key);
    }
    this.render(anchor);
  }

  setScroll(px) {
    this.scroller.scrollTop = px;
    this.setTop = this.scroller.scrollTop;
  }

  range() {
    const top = this.stuck ? this.tops[this.count] - this.scroller.clientHeight : this.scroller.scrollTop - this.leadPx;
    return [this.at(top - OVERSCAN_PX), this.at(top + this.scroller.clientHeight + OVERSCAN_PX)];
  }

  render(anchor = null) {
    if (!this.scroller.isConnected || this.scroller.clientHeight === 0) {
      return;
    }
    this.leadPx = this.lead();
    if (!this.stuck) {
      anchor ??= this.anchor();
      if (anchor) {
        const index = this.indexOf(anchor.key);
        if (index >= 0) {
          this.setScroll(this.leadPx + this.tops[index] - anchor.offset);
        }
      }
    }
    /* What is drawn may be of another height than was guessed, and then more or less of it is needed: that settles in a round or two. */
    for (let round = 0; round < 3; round++) {
      this.drawRange(...this.range());
      const moved = this.measure();
      if (this.stuck) {
        this.setScroll(this.scroller.scrollHeight);
      } else if (anchor && moved) {
        const el = this.drawn.get(anchor.key)?.el;
        const off = el ? el.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top - anchor.offset : 0;
        if (Math.abs(off) >= 1) {
          this.setScroll(this.scroller.scrollTop + off);
        }
      }
      if (!moved) {
        break;
      }
    }
    if (this.count) {
      const top = this.scroller.scrollTop - this.leadPx;
      this.source.shown?.(this.at(top), this.at(top + this.scroller.clientHeight - 1));
    }
  }

  indexOf(key) {
    const index = this.source.index?.(key);
    return index === undefined ? -1 : index;
  }

  drawRange(first, last) {
    const next = new Map();
    const focused = document.activeElement;
    let refocus = null;
    for (let i = first; i <= last && i < this.count; i++) {
      const key = this.source.key(i);
      const old = this.drawn.get(key);
      if (old && !old.stale) {
        next.set(key, old);
        continue;
      }
      const el = this.source.draw(i);
      if (old && looksSame(old.el, el)) {
        next.set(key, {el: old.el, stale: false});
        continue;
      }
      if (old) {
        if (old.el.contains(focused)) {
          refocus = el;
        }
        old.el.replaceWith(el);
      }
      next.set(key, {el, stale: false});
    }
    for (const [key, {el}] of this.drawn) {
      if (!next.has(key)) {
        el.remove();
      }
    }
    let before = this.above;
    for (const {el} of next.values()) {
      if (before.nextSibling !== el) {
        before.after(el);
      }
      before = el;
    }
    this.drawn = next;
    refocus?.focus({preventScroll: true});
    this.space(first, last);
  }

  space(first, last) {
    this.above.style.height = `${this.count ? this.tops[first] : 0}px`;
    this.below.style.height = `${this.count ? this.tops[this.count] - this.tops[Math.min(last + 1, this.count)] : 0}px`;
  }

  /** Takes the true heights of what is drawn; true if any was another than thought. */
  measure() {
    let moved = false;
    for (const [key, {el}] of this.drawn) {
      const height = el.getBoundingClientRect().height;
      const old = this.heights.get(key);
      if (old === undefined || Math.abs(old - height) > 0.5) {
        this.heights.set(key, height);
        this.measuredSum += height - (old ?? 0);
        moved = true;
      }
    }
    if (moved) {
      this.layout();
      this.space(...this.ends());
    }
    return moved;
  }

  ends() {
    const keys = [...this.drawn.keys()];
    return keys.length ? [this.indexOf(keys[0]), this.indexOf(keys[keys.length - 1])] : [0, this.count - 1];
  }

  /** Scrolls so that item i is on screen, and returns its element. */
  reveal(i, {middle = false} = {}) {
    if (i < 0 || i >= this.count) {
      return null;
    }
    const s = this.scroller;
    for (let round = 0; round < 3; round++) {
      const top = this.leadPx + this.tops[i];
      const bottom = this.leadPx + this.tops[i + 1];
      if (middle) {
        this.stuck = false;
        this.setScroll(top - (s.clientHeight - (bottom - top)) / 2);
      } else if (top < s.scrollTop) {
        this.stuck = false;
        this.setScroll(top - 8);
      } else if (bottom > s.scrollTop + s.clientHeight) {
        this.setScroll(bottom - s.clientHeight + 8);
      }
      this.render({key: "", offset: 0});
    }
    this.stuck = s.scrollHeight - s.scrollTop - s.clientHeight < 24;
    return this.drawn.get(this.source.key(i))?.el ?? null;
  }

  toEnd() {
    this.stuck = true;
    this.render();
  }
}
