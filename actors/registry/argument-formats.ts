/** The text forms behind the argument types `uuid`, `datetime` and `naive_datetime`. */

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const DATETIME =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(Z|[+-](\d\d):(\d\d))?$/i;

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** A UUID in its hyphenated form (RFC 9562), either case, any version. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/**
 * A moment: RFC 3339 with `Z` or an offset, `T` or a space between date and time, up to nine
 * fraction digits, on the Gregorian calendar. Leap seconds (`:60`) are refused, as by ECMAScript
 * and Elixir.
 */
export function isDatetime(text: string): boolean {
  const match = DATETIME.exec(text);
  return match !== null && match[7] !== undefined && isOnCalendar(match);
}

/** A date and time of day that names no offset; otherwise as {@link isDatetime}. */
export function isNaiveDatetime(text: string): boolean {
  const match = DATETIME.exec(text);
  return match !== null && match[7] === undefined && isOnCalendar(match);
}

function isOnCalendar(match: RegExpExecArray): boolean {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number);
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && isLeapYear ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 59) return false;
  return Number(match[8] ?? 0) <= 23 && Number(match[9] ?? 0) <= 59;
}
