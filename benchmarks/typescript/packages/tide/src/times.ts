const DAY = 24 * 60;

/** The minutes since midnight of a time such as "7:05". */
export function parseTime(text: string): number {
  const [hours, minutes] = text.split(":").map(Number);
  if (!(hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60)) {
    throw new RangeError(`not a time: ${text}`);
  }
  return hours * 60 + minutes;
}

/** A time as the board shows it; what is after midnight begins again at 00:00. */
export function formatTime(minutes: number): string {
  const time = ((minutes % DAY) + DAY) % DAY;
  return [Math.floor(time / 60), time % 60].map((part) => String(part).padStart(2, "0")).join(":");
}
