import type { Basket } from "./basket";
import type { Cents } from "./money";

/** How much less a basket costs. */
export type Discount = (basket: Basket) => Cents;

/** A share off everything from an amount on. */
export function fromAmount(least: Cents, percent: number): Discount {
  return (basket) => (basket.sum() >= least ? Math.round((basket.sum() * percent) / 100) : 0);
}

/** The cheapest of every few articles is free. */
export function cheapestFree(every: number): Discount {
  return (basket) => {
    const prices = basket.lines().flatMap((line) => Array<Cents>(line.count).fill(line.price));
    prices.sort((a, b) => a - b);
    return prices.slice(0, Math.floor(prices.length / every)).reduce((sum, price) => sum + price, 0);
  };
}
