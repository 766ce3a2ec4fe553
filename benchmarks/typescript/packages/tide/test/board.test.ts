import { answer, board } from "../src/board";
import type { Ferry } from "../src/timetable";

const FERRIES: Ferry[] = [
  { to: "Holm", departure: "9:30", crossing: 40 },
  { to: "Sand", departure: "7:05", crossing: 55, days: [1, 2, 3, 4, 5] },
];
const MONDAY = new Date("2024-01-01T12:00:00Z");

test("the board is in order of time", () => {
  expect(board(FERRIES, MONDAY)).toEqual(["07:05 Sand 08:00", "09:30 Holm 10:10"]);
});

test("the clerk names the next ferry", () => {
  expect(answer(FERRIES, "Holm", "8:00")).toBe("The next ferry to Holm leaves at 9:30.");
});
