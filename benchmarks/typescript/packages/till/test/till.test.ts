import { describe, expect, test } from "vitest";
import { Basket } from "../src/basket";
import { cheapestFree, fromAmount } from "../src/discounts";
import { parsePrice } from "../src/money";
import { receipt } from "../src/receipt";

describe("a receipt", () => {
  test("lists what was bought", () => {
    const basket = new Basket();
    basket.add("milk", parsePrice("1.19"), 2);
    basket.add("bread", parsePrice("3"));
    expect(receipt(basket)).toEqual(["2 milk 2.38", "1 bread 3.00", "total 5.38"]);
  });

  test("has no discount that is nothing", () => {
    const basket = new Basket();
    basket.add("bread", 300);
    expect(receipt(basket, [fromAmount(10_000, 5), cheapestFree(3)])).toEqual(["1 bread 3.00", "total 3.00"]);
  });
});

test("what is no price is refused", () => {
  expect(() => parsePrice("free")).toThrow(RangeError);
});
