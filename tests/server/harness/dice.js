// Chances that come again with their seed.
import { seededBy } from './seeded.js';

export class Dice {
  constructor(seed) {
    this.below = seededBy(seed);
  }

  /** An integer, both ends included. */
  between(first, last) {
    return first + this.below(last - first + 1);
  }

  /** True in so many of 100. */
  chance(percent) {
    return this.below(100) < percent;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** One of [[weight, value], ...]. */
  weighted(list) {
    let left = this.below(list.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of list) {
      if (left < weight) return value;
      left -= weight;
    }
    throw new Error('no weights');
  }

  shuffle(list) {
    const shuffled = [...list];
    for (let i = shuffled.length - 1; i > 0; i -= 1) {
      const j = this.below(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
    }
    return shuffled;
  }

  hex(digits) {
    return Array.from({ length: digits }, () => this.below(16).toString(16)).join('');
  }
}
