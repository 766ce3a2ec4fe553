import { formatTime, parseTime } from "./times";
import { type Ferry, next, ofDay } from "./timetable";

/** The board at the pier: when each ferry leaves and arrives. */
export function board(ferries: readonly Ferry[], date: Date): string[] {
  return ofDay(ferries, date).map((ferry) => {
    const arrival = formatTime(parseTime(ferry.departure) + ferry.crossing);
    return `${formatTime(parseTime(ferry.departure))} ${ferry.to} ${arrival}`;
  });
}

/** What the clerk says to somebody who asks for the next ferry. */
export function answer(ferries: readonly Ferry[], to: string, now: string): string {
  const ferry = next(ferries, to, now);
  return ferry ? `The next ferry to ${to} leaves at ${ferry.departure}.` : `No more ferries to ${to} today.`;
}
