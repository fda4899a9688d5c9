const number = new Intl.NumberFormat('en')

/** `1.2 MB`: as people compare files. Powers of ten, as their systems show them. */
export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return unit === 0 ? `${number.format(value)} ${units[0]}` : `${value.toFixed(1)} ${units[unit]}`
}
