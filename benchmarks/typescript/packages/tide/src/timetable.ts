import { parseTime } from "./times";

export interface Ferry {
  to: string;
  departure: string;
  /** The minutes that a crossing takes. */
  crossing: number;
  /** The days on which it sails, Monday is 1 and Sunday 7; every day without. */
  days?: number[];
}

/** The ferries of a day in the order in which they leave. */
export function ofDay(ferries: readonly Ferry[], date: Date): Ferry[] {
  const day = date.getUTCDay() || 7;
  return ferries
    .filter((ferry) => ferry.days === undefined || ferry.days.includes(day))
    .sort((a, b) => parseTime(a.departure) - parseTime(b.departure));
}

/** The next ferry to a place from a time on; undefined when the last has left. */
export function next(ferries: readonly Ferry[], to: string, now: string): Ferry | undefined {
  const later = ferries.filter((ferry) => ferry.to === to && parseTime(ferry.departure) >= parseTime(now));
  return later.reduce<Ferry | undefined>(
    (first, ferry) => (!first || parseTime(ferry.departure) < parseTime(first.departure) ? ferry : first),
    undefined,
  );
}
