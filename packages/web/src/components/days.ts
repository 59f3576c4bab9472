/** Midnight at the beginning of a day in the person's zone, from `YYYY-MM-DD`. */
export function startOfDay(day: string | undefined): number | undefined {
  const [year, month, date] =
    /^(\d{4})-(\d\d)-(\d\d)$/u
      .exec(day ?? '')
      ?.slice(1)
      .map(Number) ?? [];
  return year === undefined || month === undefined || date === undefined
    ? undefined
    : new Date(year, month - 1, date).getTime();
}

/** The last millisecond of the day; days with a change of the clock have 23 or 25 hours. */
export function endOfDay(day: string | undefined): number | undefined {
  const start = startOfDay(day);
  if (start === undefined) return undefined;
  const next = new Date(start);
  next.setDate(next.getDate() + 1);
  return next.getTime() - 1;
}
