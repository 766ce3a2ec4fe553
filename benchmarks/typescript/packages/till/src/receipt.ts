import type { Basket } from "./basket";
import type { Discount } from "./discounts";
import { format } from "./money";

/** The lines of a receipt, the total last. */
export function receipt(basket: Basket, discounts: Discount[] = []): string[] {
  const less = discounts.map((discount) => discount(basket)).filter((amount) => amount > 0);
  const total = basket.sum() - less.reduce((sum, amount) => sum + amount, 0);
  return [
    ...basket.lines().map((line) => `${line.count} ${line.name} ${format(line.price * line.count)}`),
    ...less.map((amount) => `discount ${format(-amount)}`),
    `total ${format(Math.max(0, total))}`,
  ];
}
