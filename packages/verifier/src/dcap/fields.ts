/** Day of an instant in Unix seconds, `2025-02-06`. */
export function dateText(seconds: number): string {
  return instantText(seconds).slice(0, 10)
}

/** `2025-02-06T23:25:51Z` of Unix seconds. */
export function instantText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
