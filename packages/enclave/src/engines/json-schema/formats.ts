const NAMES = ['date', 'time', 'date-time', 'uuid'] as const

/** A format that is forced and checked. */
export type StringFormat = (typeof NAMES)[number]

/** All of them; of others a schema may not speak. */
export const FORMATS: readonly string[] = NAMES

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/
/** RFC 3339 Section 5.6, without leap seconds. */
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[-+](?:[01]\d|2[0-3]):[0-5]\d)$/
const UUID = /^[\da-fA-F]{8}-(?:[\da-fA-F]{4}-){3}[\da-fA-F]{12}$/

/** Whether a text is of one of {@link FORMATS}. */
export function isOfFormat(text: string, format: string): boolean {
  switch (format) {
    case 'date':
      return isDate(text)
    case 'time':
      return TIME.test(text)
    case 'date-time':
      return text[10] === 'T' && isDate(text.slice(0, 10)) && TIME.test(text.slice(11))
    default:
      return UUID.test(text)
  }
}

function isDate(text: string): boolean {
  const [, year, month, day] = DATE.exec(text)?.map(Number) ?? []
  if (year === undefined || month === undefined || day === undefined) return false
  const last = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
  return month >= 1 && month <= 12 && day >= 1 && day <= last
}
