/** Amounts of money, in cents. */
export type Cents = number;

/** The cents of a price such as "12", "12.5" or "12,50". */
export function parsePrice(text: string): Cents {
  const match = /^(\d+)(?:[.,](\d{1,2}))?$/.exec(text.trim());
  if (!match) {
    throw new RangeError(`not a price: ${text}`);
  }
  return Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0"));
}

/** An amount as a receipt prints it. */
export function format(cents: Cents): string {
  const sign = cents < 0 ? "-" : "";
  const amount = Math.abs(cents);
  return `${sign}${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, "0")}`;
}
