import type { Cents } from "./money";

export interface Line {
  name: string;
  price: Cents;
  count: number;
}

/** What a customer has put on the belt. */
export class Basket {
  private readonly content = new Map<string, Line>();

  /** Add some of an article; more of the same lengthens its line. */
  add(name: string, price: Cents, count = 1): void {
    const line = this.content.get(name);
    if (line) {
      line.count += count;
    } else {
      this.content.set(name, { name, price, count });
    }
  }

  lines(): Line[] {
    return [...this.content.values()];
  }

  sum(): Cents {
    return this.lines().reduce((sum, line) => sum + line.price * line.count, 0);
  }
}
